"""The states of a load's rejected rows: open, fixed by an earlier import, or ignored by a curator."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from imports.models import SourceFile
from imports.resolved_rows import ResolvedRow, RowState
from imports.row_identities import RowIdentities
from imports.row_problems import Rejection
from imports.sources import Source

AT_ONCE = 1000  # rows


class RowStates:
    """The identities and states of rejected rows.

    The states are a snapshot from the start of reading. A fixed row that is still invalid keeps the identity of the row
    that it replaces, and is open.
    """

    def __init__(self, source: Source, files: Iterable[SourceFile], resubmissions: Mapping[int, SourceFile]):
        self.files = {file.pk: file for file in files}
        self.originals = {
            pk: {line: bytes(identity) for line, identity in file.rejected_rows.values_list("line", "identity")}
            for pk, file in resubmissions.items()
        }
        self.met_records: set[str] = set()  # primary keys of the records created from fixed rows of this load
        self._identities = RowIdentities(source)
        runs = {file.run_id for file in self.files.values()}
        names = SourceFile.objects.filter(run__in=runs, source=source.name).values("name")
        resolved = ResolvedRow.objects.filter(source=source.name, name__in=names).in_force(source.model)
        self._resolved: dict[bytes, tuple[str, str]] = {}
        for identity, state, record in resolved.order_by("state", "pk").values_list("identity", "state", "record"):
            self._resolved.setdefault(bytes(identity), (state, record))

    @property
    def any_resolved(self) -> bool:
        return bool(self._resolved)

    def record_of(self, identity: bytes | None) -> str:
        """Return the primary key of the record that was created from a row, or an empty string."""
        return self._resolved[identity][1] if identity in self._resolved else ""

    def identified(self, file: SourceFile, rejections: Iterable[Rejection]) -> Iterator[Rejection]:
        """Yield the rejections of *file* with their identities and states. Call this once for each rejection."""
        rejections = iter(rejections)
        while some := list(islice(rejections, AT_ONCE)):
            files = [self.files[rejection.file or file.pk] for rejection in some]
            for of, rejection, identity in zip(files, some, self._identities.of(files, some), strict=True):
                identity = self.originals.get(of.pk, {}).get(rejection.line, identity)
                state, record = RowState.OPEN.value, ""
                if of.pk not in self.originals:
                    state, record = self._resolved.get(identity, (state, record))
                if record:
                    self.met_records.add(record)
                rejection.row_identity, rejection.state = identity.hex(), state
                yield rejection
