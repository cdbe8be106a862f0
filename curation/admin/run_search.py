"""Find records on the run page: by key, by value, and by the column in which they differ."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.http import urlencode

from datasets.text import clean
from imports.engine import run_diff
from imports.models import ImportRun
from imports.rejected_rows import RejectedRowFormatter
from imports.run_diff_file import Entry, KeptEntries, Place
from imports.sources import Detail, sources_of

TEXT, COLUMN = "q", "column"  # parameters of the page
MOST_SEARCHED = 20_000  # entries in which values are searched
MOST_FOUND = 1_000
AT_ONCE = 500
LONGEST = 200  # characters of the text and of the column
WITH_COLUMNS = ("changed", "kept")  # tabs
Entries = KeptEntries | run_diff.StoredEntries | list[Entry]
Formatters = Mapping[str, RejectedRowFormatter]
Show = Callable[[list[Entry]], Iterable[dict[str, Any]]]  # returns entries as the user may see them


@dataclass
class RunSearch:
    """The search of a tab for a text, and for the records that differ in the *chosen* column.

    The *column* is None if no record differs in it. *cut* is the number of searched entries if there are more.
    """

    text: str
    chosen: str
    column: Place | None
    columns: list[Place] = field(default_factory=list)  # to choose from
    cut: int = 0

    def __bool__(self) -> bool:
        return bool(self.text or self.chosen)

    @property
    def is_equal(self) -> bool:
        """Whether no record differs in the chosen column."""
        return bool(self.chosen) and self.column is None

    @property
    def query(self) -> str:
        """The parameters of the search, for the links to its pages."""
        given = {TEXT: self.text, COLUMN: self.chosen}
        return urlencode({name: value for name, value in given.items() if value})

    def choices(self) -> list[tuple[str, str]]:
        """Return the value and the label of each column to choose from."""
        many = len({source for source, _ in self.columns}) > 1
        return [(".".join(place), f"{place[1]} ({place[0]})" if many else place[1]) for place in self.columns]

    def entries(self, run: ImportRun, tab: str, unseen: frozenset[str], show: Show) -> Entries | None:
        """Return the entries of *tab* that contain the text: those of the record with this key, or else by value.

        None if the entries were not stored.
        """
        if self.is_equal:
            return []
        every = run_diff.entries(run, tab, unseen, self.column)
        if every is None or not self.text:
            return every
        personal = {source.name: run_diff.personal_columns(source) for source in sources_of(run.dataset)}
        of_record = [
            entry
            for entry in every.of_record(self.text.rpartition(" ")[2])
            if self._names(entry) and not (entry["source"] in unseen and run_diff.is_unseen(entry, personal))
        ]
        if of_record:
            return of_record
        size, found = len(every), list[Entry]()
        for start in range(0, min(size, MOST_SEARCHED), AT_ONCE):
            some = every[start : min(start + AT_ONCE, MOST_SEARCHED)]
            found += [entry for entry, shown in zip(some, show(some), strict=True) if self._is_in(shown)]
            if len(found) >= MOST_FOUND:
                self.cut = start + len(some)
                return found[:MOST_FOUND]
        self.cut = MOST_SEARCHED if size > MOST_SEARCHED else 0
        return found

    def _names(self, entry: Entry) -> bool:
        """Return whether the text is the key of the entry's record, which differs in the chosen column."""
        differing = {(entry["source"], cell["column"]) for cell in entry.get("cells", ()) if cell["differs"]}
        return self.text in (str(entry["record"]), f"{entry['source']} {entry['record']}") and (
            self.column is None or self.column in differing
        )

    def _is_in(self, shown: dict[str, Any]) -> bool:
        wanted = clean(self.text).casefold()
        return any(wanted in clean(str(value)).casefold() for value in _values(shown))


def _values(shown: dict[str, Any]) -> Iterator[Any]:
    yield f"{shown['source']} {shown['record']}"
    yield f"{shown['file']}, line {shown['line']}"
    for cell in shown.get("cells", ()):
        yield from (cell["old"], cell["new"])
    yield from (value for _, value in shown["row"])
    yield shown.get("same", "")


def search_of(run: ImportRun, tab: str, given: Mapping[str, str], formatters: Formatters) -> RunSearch:
    """Return the search of *tab* with the *given* parameters."""
    columns = [
        place
        for name, formatter in formatters.items()
        for place in _columns(formatter)
        if tab in WITH_COLUMNS and _differs_anywhere(run, tab, place)
    ]
    wanted = given.get(COLUMN, "")
    column = next((place for place in columns if ".".join(place) == wanted), None)
    return RunSearch(given.get(TEXT, "").strip(), wanted, column, columns)


def _columns(formatter: RejectedRowFormatter) -> Iterator[Place]:
    """Yield the columns that an import may change and that the user may view."""
    source = formatter.source
    for name, column in source.bound.items():
        if not isinstance(column, Detail) and name not in source.key and formatter.may_see(name):
            yield source.name, name


def _differs_anywhere(run: ImportRun, tab: str, place: Place) -> bool:
    """Return whether an entry differs in a column; True if the entries would have to be read from the tables."""
    entries = run_diff.entries(run, tab, differing=place)
    return not isinstance(entries, KeptEntries) or len(entries) > 0
