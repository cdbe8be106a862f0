"""Content of the worklist of rejected rows: filters, groups by problem, and the rows with their cells."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse

from datasets.records.masking import Viewer
from datasets.text import visible
from imports import suggested_values, worklist
from imports.models import RejectedRow, ResolvedRow
from imports.rejected_rows import RejectedRowFormatter, line_file_name
from imports.resolved_rows import RowState
from imports.row_fixes import RowFix, changeable_document, is_fixable
from imports.sources import CSVSource, sources_of

PER_PAGE = 20
FILTERS = ("file", "column", "state", "problem")  # parameters of the page
MOST_FILES = 200  # to choose from
CELL, DOCUMENT = "cell", "document"  # prefixes of the names of inputs


@dataclass(frozen=True)
class Suggestions:
    """Suggested values of a column: all of them, or none until the user types (``is_searched``)."""

    source: str
    column: str
    values: list[str]
    is_searched: bool

    @property
    def id(self) -> str:
        return f"values-{self.source}-{self.column}"


@dataclass(frozen=True)
class Cell:
    """A cell of a row on the page; *name* is that of its input, if the user may change it."""

    heading: str
    value: Any
    messages: list[str]
    is_wrong: bool  # as it was read
    name: str | None
    suggestions: Suggestions | None


class Worklist:
    """The rejected rows of a dataset that match the parameters of the page."""

    def __init__(self, dataset: str, parameters: QueryDict, user: Viewer):
        self.dataset, self.user = dataset, user
        self.chosen = {name: str(parameters[name]) for name in FILTERS if parameters.get(name)}
        self.state = self.chosen.get("state", RowState.OPEN.value)
        self.number = parameters.get("page")
        self._suggestions: dict[tuple[str, str], Suggestions | None] = {}
        self.formatters = {source.name: RejectedRowFormatter(source, user) for source in sources_of(dataset)}

    @cached_property
    def rows_of_all_problems(self) -> QuerySet[RejectedRow]:
        rows = worklist.rows_in(self.dataset, self.state)
        if name := self.chosen.get("file"):
            rows = rows.filter(file__name=name)
        if column := self.chosen.get("column"):
            rows = worklist.with_column(rows, column)
        return rows

    @cached_property
    def groups(self) -> list[worklist.ProblemGroup]:
        return worklist.groups(self.rows_of_all_problems, self.formatters)

    @cached_property
    def is_cut(self) -> bool:
        """Whether there are more rows than are grouped and changed at once."""
        return self.rows_of_all_problems[: worklist.AT_MOST + 1].count() > worklist.AT_MOST

    @cached_property
    def group(self) -> worklist.ProblemGroup | None:
        """The chosen group of rows with one problem."""
        return next((group for group in self.groups if group.key == self.chosen.get("problem")), None)

    @cached_property
    def rows(self) -> QuerySet[RejectedRow]:
        rows = self.rows_of_all_problems
        if "problem" in self.chosen:
            rows = worklist.with_problem(rows, self.group) if self.group else rows.none()
        return rows.select_related("file__run").order_by("file__name", "line", "pk")

    @cached_property
    def page(self) -> Page[RejectedRow]:
        return Paginator(self.rows, PER_PAGE).get_page(self.number)

    @property
    def replaces_values(self) -> bool:
        """Whether a value can be replaced in all rows of the chosen group."""
        group = self.group
        is_table = group is not None and isinstance(self.formatters[group.source].source, CSVSource)
        return is_table and bool(group and group.column) and self.state == RowState.OPEN

    @property
    def files(self) -> list[str]:
        names = worklist.current_rows(self.dataset).order_by("file__name").values_list("file__name", flat=True)
        return list(names.distinct()[:MOST_FILES])

    @property
    def columns(self) -> list[str]:
        chosen = [self.chosen["column"]] if "column" in self.chosen else []
        return sorted({*chosen, *(group.column for group in self.groups if group.column)})

    def address(self, **changes: Any) -> str:
        """Return the query string of the page with *changes* of its parameters; None removes one."""
        chosen = {name: value for name, value in (self.chosen | changes).items() if value is not None}
        return f"?{urlencode(chosen)}"

    def entries(self, fixes: dict[int, RowFix], *, may_change: bool) -> list[dict[str, Any]]:
        """Return the rows of the page; *fixes* have the changed cells of a row and its remaining problems."""
        resolutions = worklist.resolutions(self.dataset, self.page) if self.state != RowState.OPEN else {}
        entries = []
        for row in self.page:
            formatter = self.formatters.get(row.file.source)
            if formatter is None:
                continue
            fix = fixes.get(row.pk)
            shown = RejectedRow(file=row.file, values=fix.cells, problems=fix.problems) if fix else row
            may_fix = may_change and self.state == RowState.OPEN
            has_cells = may_fix and is_fixable(row, self.formatters)
            document = changeable_document(row, self.formatters) if may_fix else None
            before = row if fix is None or fix.text is None else shown
            cells, raw = self._cells(before, shown, may_fix=has_cells), formatter.raw(row)
            has_wrong = any(cell.is_wrong for cell in cells)
            resolution = resolutions.get(bytes(row.identity))
            entries.append(
                {
                    "row": row,
                    "file": line_file_name(row.file),
                    "wrong": [cell for cell in cells if cell.is_wrong or not has_wrong],
                    "others": [cell for cell in cells if has_wrong and not cell.is_wrong],
                    "problems": formatter.others(shown),
                    "raw": visible(raw, "\t\r\n") if raw is not None else None,
                    "fix": fix,
                    "still": formatter.problem_text(shown) if fix else "",
                    "may_fix": has_cells or document is not None,
                    "document": fix.text if fix and fix.text is not None else document,
                    "document_name": f"{DOCUMENT}-{row.pk}",
                    "resolution": resolution,
                    "record": self._record(row, resolution),
                }
            )
        return entries

    @property
    def suggestions(self) -> list[Suggestions]:
        """The suggested values of all requested columns."""
        return [suggestions for suggestions in self._suggestions.values() if suggestions]

    def suggestions_for(self, source: str, column: str) -> Suggestions | None:
        """Return the suggested values of a column."""
        if (source, column) not in self._suggestions:
            bound = self.formatters[source].source.bound.get(column)
            values = suggested_values.listed_values(bound, self.user) if bound else None
            is_searched = values is None and bound is not None and suggested_values.is_searched(bound, self.user)
            has_any = is_searched or values
            suggestions = Suggestions(source, column, values or [], is_searched) if has_any else None
            self._suggestions[source, column] = suggestions
        return self._suggestions[source, column]

    @property
    def group_suggestions(self) -> Suggestions | None:
        """The suggested values of the chosen group's column."""
        return self.suggestions_for(self.group.source, self.group.column) if self.group and self.group.column else None

    def _cells(self, row: RejectedRow, shown: RejectedRow, *, may_fix: bool) -> list[Cell]:
        """Return the cells of *row* with the values and the messages of *shown*, which may be changed."""
        formatter = self.formatters[row.file.source]
        cells = []
        for index, (cell, now) in enumerate(zip(formatter.cells(row), formatter.cells(shown), strict=True)):
            is_masked = cell["value"] != row.values[cell["key"]]
            name = f"{CELL}-{row.pk}-{index}" if may_fix and not is_masked else None
            column = cell["column"] if name and cell["messages"] else None
            suggestions = self.suggestions_for(row.file.source, column) if column else None
            value = now["value"] if name or not isinstance(now["value"], str) else visible(now["value"], "\t\r\n")
            cells.append(Cell(now["heading"], value, now["messages"], bool(cell["messages"]), name, suggestions))
        return cells

    def _record(self, row: RejectedRow, resolution: ResolvedRow | None) -> str | None:
        """Return the URL of the history of the record that was made of a row."""
        if resolution is None or not resolution.record:
            return None
        meta = self.formatters[row.file.source].source.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_history", args=[quote(resolution.record)])
