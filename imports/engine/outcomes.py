"""Store the outcomes of a file's rows: their counts, and the rejected rows."""

from collections import Counter
from itertools import chain

from imports.engine import rejections
from imports.engine.merge import Merge
from imports.engine.rejected_values import read_late
from imports.engine.rejections import first_of_each_file
from imports.models import SourceFile
from imports.resolved_rows import RowState


def count(merge: Merge) -> None:
    """Set the counts of each file. Call it after the merge."""
    for file in merge.load.files:
        rejected = _rejected(merge, file)
        file.read = merge.staged.read(file)
        file.rejected, file.fixed_before, file.ignored = (rejected[state] for state in RowState)
        for name in ("created", "updated", "updated_unseen", "kept", "kept_unseen", "duplicates"):
            setattr(file, name, getattr(merge.done, name)[file.pk])
        file.paired = file.updated if merge.paired.pairs else 0
        file.unchanged = file.read - rejected.total() - file.created - file.updated - file.duplicates


def _rejected(merge: Merge, file: SourceFile) -> Counter[str]:
    """Return the number of rejected rows of *file* by state."""
    staged = merge.staged
    if not staged.states.any_resolved:  # the late rows do not have to be read yet
        return Counter({RowState.OPEN: staged.rejections.count(file) + merge.done.late.counts[file.pk]})
    return staged.rejections.states[file.pk] + merge.late_rows.states[file.pk]


def store_rejected(merge: Merge, *, only_first: bool) -> None:
    """Store the rejected rows, or only the first of each file."""
    checked = merge.staged.rejections.with_unknown(merge.done.unknown)
    if only_first:
        late = read_late(merge.staged, first_of_each_file(merge.done.late))
        rejections.store(chain(first_of_each_file(checked), late))
    else:
        rejections.store(chain(checked, merge.late_rows))
