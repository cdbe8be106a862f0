"""Check the choices of a user about the pairs of a preview, and add them to the earlier choices."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.template.defaultfilters import pluralize

from datasets.query_values import shown, whole_number
from imports.engine import run_diff
from imports.engine.chosen_pairs import PairChoice
from imports.models import ImportRun
from imports.run_diff_file import Entry, KeptEntries, record_key, row_key
from imports.sources import sources_of

MOST_CHOICES = 1000  # of a run
MOST_PROBLEMS = 5  # that a message names
LAST_LINE = 2**31 - 1


class PairChoiceError(Exception):
    """Choices that do not fit the preview. The message names each of them, up to a number."""


@dataclass(frozen=True)
class Choice:
    """A choice that a user has sent: a record, and the line of its new version as text.

    The line is None if the record and the row that the preview pairs with it are different records. The file is None if
    it is that of the record.
    """

    source: str
    record: str
    line: str | None = None
    file: str | None = None


def with_choices(run: ImportRun, sent: Collection[Choice], unseen: Collection[str]) -> list[PairChoice]:
    """Return the choices of the previewed *run*, with those that a user has *sent* in place of earlier ones.

    *unseen* are the sources whose personal data is hidden from the user. Raises PairChoiceError if a row is not new, a
    record is not missing from the same file, one of them is in two pairs, or there are too many choices.
    """
    if run.status != ImportRun.Status.PREVIEWED:
        raise PairChoiceError(
            f"Run {run.pk} is {run.get_status_display().lower()}. Only a preview has pairs to choose."
        )
    preview = _Preview(run, unseen)
    pairs = preview.pairs([choice for choice in sent if choice.line is not None])
    choices = [*preview.separations([choice for choice in sent if choice.line is None]), *pairs]
    if problems := [*preview.problems, *_repeated(pairs)]:
        more = len(problems) - MOST_PROBLEMS
        unlisted = f" There {'is' if more == 1 else 'are'} {more:,} more problem{pluralize(more)}." if more > 0 else ""
        raise PairChoiceError(f"{' '.join(problems[:MOST_PROBLEMS])}{unlisted} Nothing was changed.")
    chosen = {(choice["source"], choice["file"], choice["line"]): choice for choice in [*run.pair_choices, *choices]}
    if len(chosen) > MOST_CHOICES:
        raise PairChoiceError(
            f"A preview can have at most {MOST_CHOICES:,} choices about pairs, but would have {len(chosen):,}. Nothing "
            "was changed. If most pairs are wrong, preview again without pairing."
        )
    return list(chosen.values())


class _Preview:
    """Finds rows and records in a preview, and collects the problems of choices about them."""

    def __init__(self, run: ImportRun, unseen: Collection[str]):
        self.run, self.problems = run, list[str]()
        sources = sources_of(run.dataset)
        self.sha256 = {(file.source, file.name): file.sha256 for file in run.files.all()}
        self.personal = {s.name: run_diff.personal_columns(s) if s.name in unseen else set() for s in sources}

    def separations(self, sent: Collection[Choice]) -> list[PairChoice]:
        """Return the choices about pairs of the preview."""
        keys = [record_key(choice.source, choice.record) for choice in sent]
        entries = self._find("kept", keys) | self._find("changed", keys)
        choices = []
        for choice in sent:
            entry = entries.get(record_key(choice.source, choice.record))
            if entry is None:
                self.problems.append(f"{_described(choice)} is not paired with a row in this preview.")
            elif entry["file"] is not None and entry["line"] is not None:
                choices.append(self._checked(choice, entry["file"], entry["line"], paired=False))
        return choices

    def pairs(self, sent: Collection[Choice]) -> list[PairChoice]:
        """Return the choices about new rows and missing records of the preview."""
        missing = self._find("missing", (record_key(choice.source, choice.record) for choice in sent))
        choices = []
        for choice in sent:
            entry = missing.get(record_key(choice.source, choice.record))
            if entry is None or entry["file"] is None:
                self.problems.append(f"{_described(choice)} is not a missing record of this preview.")
            elif choice.file not in (None, entry["file"]):
                self.problems.append(f"{_described(choice)} is missing from {entry['file']}, not from {choice.file}.")
            else:
                try:
                    line = whole_number(choice.line or "", 1, LAST_LINE)
                except ValueError as error:
                    self.problems.append(f"{_described(choice)}, line of its new version: {error}")
                else:
                    choices.append(self._checked(choice, entry["file"], line, paired=True))
        new = self._find("new", map(_row_of, choices))
        self.problems += (
            f"Line {choice['line']} of {choice['file']} is not a new row of this preview."
            for choice in choices
            if _row_of(choice) not in new
        )
        return choices

    def _checked(self, choice: Choice, file: str, line: int, *, paired: bool) -> PairChoice:
        return {
            "source": choice.source,
            "file": file,
            "sha256": self.sha256[choice.source, file],
            "line": line,
            "record": choice.record,
            "paired": paired,
        }

    def _find(self, kind: str, keys: Iterable[str]) -> dict[str, Entry]:
        """Return the entries with these keys, without those that differ only in data that is hidden from the user."""
        found = KeptEntries(run_diff.folder_of(self.run), kind).find(keys)
        return {key: entry for key, entry in found.items() if not run_diff.is_unseen(entry, self.personal)}


def _row_of(choice: PairChoice) -> str:
    return row_key(choice["source"], choice["file"], choice["line"])


def _described(choice: Choice) -> str:
    return f"{choice.source} {shown(choice.record)}"


def _repeated(pairs: list[PairChoice]) -> list[str]:
    """Return a sentence about each row and each record that is in two of *pairs*."""
    rows = Counter((choice["source"], choice["file"], choice["line"]) for choice in pairs)
    records = Counter((choice["source"], choice["record"]) for choice in pairs)
    repeated = [f"Line {line} of {file} is chosen for {n} records." for (_, file, line), n in rows.items() if n > 1]
    return repeated + [f"{source} {record} is chosen for {n} rows." for (source, record), n in records.items() if n > 1]
