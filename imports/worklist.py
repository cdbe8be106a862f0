"""The worklist: the rejected rows of all imports of a dataset by problem, each listed once in its current state."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from django.db import connection
from django.db.models import BooleanField, Exists, F, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from datasets.registry import dataset_apps
from imports.models import ImportRun, RejectedRow, ResolvedRow, SourceFile
from imports.rejected_rows import RejectedRowFormatter
from imports.resolved_rows import ResolvedRowQuerySet, RowState
from imports.sources import sources_of

AT_MOST = 10_000  # maximum number of rows to group, to count, or to change at once
VALUES_SHOWN = 3  # number of a group's most frequent values to show
VALUES_TO_CHOOSE = 200  # number of a group's values to offer for replacement
HIDDEN = "is not valid"  # the problem to show for a value that is hidden from the user


def current_rows(dataset: str) -> QuerySet[RejectedRow]:
    """Return the latest rejected row of each identity in the current files of *dataset*.

    The current files are the last applied version of each file, and the files of fixed rows that were imported after
    it.
    """
    applied = SourceFile.objects.filter(run__status=ImportRun.Status.APPLIED)
    newer = applied.filter(source=OuterRef("source"), name=OuterRef("name"), is_partial=False, run__gt=OuterRef("run"))
    later = RejectedRow.objects.filter(
        identity=OuterRef("identity"), file__run__status=ImportRun.Status.APPLIED, pk__gt=OuterRef("pk")
    )
    files = applied.filter(~Exists(newer), run__dataset=dataset)
    return RejectedRow.objects.filter(~Exists(later), file__in=files)


def rows_in(dataset: str, state: str = RowState.OPEN) -> QuerySet[RejectedRow]:
    """Return the :func:`current_rows` of *dataset* that are in *state*."""
    return in_state(current_rows(dataset), dataset, state)


def in_state(rows: QuerySet[RejectedRow], dataset: str, state: str) -> QuerySet[RejectedRow]:
    """Return the rows in *rows*, of *dataset*, whose current state is *state*."""
    resolved = resolved_rows(dataset).filter(identity=OuterRef("identity"))
    if state == RowState.OPEN:
        return rows.filter(~Exists(resolved))
    rows = rows.filter(Exists(resolved.filter(state=state)))
    return rows if state == RowState.FIXED else rows.filter(~Exists(resolved.filter(state=RowState.FIXED)))


def resolved_rows(dataset: str) -> ResolvedRowQuerySet:
    """Return the resolutions in force for rows of *dataset*."""
    sources = sources_of(dataset) if dataset in dataset_apps() else []
    return ResolvedRow.objects.in_force(*(source.model for source in sources))


def resolutions(dataset: str, rows: Iterable[RejectedRow]) -> dict[bytes, ResolvedRow]:
    """Return the resolutions in force for *rows* by identity. A row that is both fixed and ignored counts as fixed."""
    found = resolved_rows(dataset).filter(identity__in=[row.identity for row in rows])
    return {bytes(row.identity): row for row in found.select_related("user").order_by("-state", "pk")}


def count_open(dataset: str) -> int:
    """Return the number of open rows of *dataset*, at most AT_MOST + 1."""
    return rows_in(dataset)[: AT_MOST + 1].count()


@dataclass
class ProblemGroup:
    """The rows of one source with the same problem: its column (None for the row as a whole) and its kind for display.

    ``kinds`` has the stored kinds. It is empty if the value is hidden from the user.
    """

    source: str
    column: str | None
    kind: str
    count: int = 0
    kinds: set[str] = field(default_factory=set)
    values: Counter[str] = field(default_factory=Counter)

    @property
    def key(self) -> str:
        """A short name of the group, for URLs."""
        return blake2b(repr((self.source, self.column, self.kind)).encode(), digest_size=8).hexdigest()

    @property
    def counted(self) -> str:
        return f"{self.count:,}"

    @property
    def frequent(self) -> list[tuple[str, int]]:
        return self.values.most_common(VALUES_SHOWN)

    @property
    def choices(self) -> list[tuple[str, int]]:
        return self.values.most_common(VALUES_TO_CHOOSE)

    def __str__(self) -> str:
        return f"{self.column}: {self.kind}" if self.column else self.kind


def groups(rows: QuerySet[RejectedRow], formatters: dict[str, RejectedRowFormatter]) -> list[ProblemGroup]:
    """Return the problems of the first AT_MOST of *rows*, the most frequent first, with hidden values left out."""
    found: dict[str, ProblemGroup] = {}
    for source, column, kind, value, count in _problems(rows):
        if not (formatter := formatters.get(source)):
            continue
        hidden = column is not None and not formatter.may_see(column)
        group = ProblemGroup(source, column, HIDDEN if hidden else formatter.message(kind))
        group = found.setdefault(group.key, group)
        if value is None:
            group.count += count
            group.kinds |= set() if hidden else {kind}
        elif not hidden:
            group.values[str(formatter.value(column, value))] += count
    return sorted(found.values(), key=lambda group: (-group.count, str(group)))


def with_problem(rows: QuerySet[RejectedRow], group: ProblemGroup) -> QuerySet[RejectedRow]:
    """Return the rows of a group."""
    return _with(rows.filter(file__source=group.source), group.column, sorted(group.kinds))


def with_column(rows: QuerySet[RejectedRow], column: str) -> QuerySet[RejectedRow]:
    """Return the rows with a problem in *column*."""
    return _with(rows, column)


def _with(rows: QuerySet[RejectedRow], column: str | None, kinds: Sequence[str] = ()) -> QuerySet[RejectedRow]:
    """Return the rows with a problem in *column* (None for the row as a whole), of one of *kinds* if any are given."""
    conditions = [f"{_part('column')} IS NULL" if column is None else f"{_part('column')} = %s"]
    if kinds:
        conditions.append(f"{_kind()} IN ({', '.join(['%s'] * len(kinds))})")
    query = f"EXISTS (SELECT 1 FROM {_elements('rejected_rows.problems')} WHERE {' AND '.join(conditions)})"
    parameters = [*([column] if column else []), *kinds]
    return rows.filter(RawSQL(query, parameters, output_field=BooleanField()))  # noqa: S611 - no value is in the query


def _problems(rows: QuerySet[RejectedRow]) -> Iterator[tuple[str, str | None, str, str | None, int]]:
    """Yield the source, column, kind, value and row count of each problem, for all values and then for each value."""
    some = rows.order_by().annotate(source=F("file__source")).values("id", "source", "problems")[:AT_MOST]
    query, parameters = some.query.sql_with_params()
    elements = f"({query}) r, {_elements('r.problems')}"
    for value, condition in (("NULL", "1 = 1"), (_part("value"), f"{_part('value')} IS NOT NULL")):
        columns = f"r.source, {_part('column')}, {_kind()}, {value}"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {columns}, count(DISTINCT r.id) FROM {elements} WHERE {condition} GROUP BY 1, 2, 3, 4",
                parameters,
            )
            yield from cursor.fetchall()


# SQL for the problems of a row, which are a JSON array. p is one of the problems.


def _elements(problems: str) -> str:
    return f"jsonb_array_elements({problems}) p" if connection.vendor == "postgresql" else f"json_each({problems}) p"


def _part(name: str) -> str:
    return f"p->>'{name}'" if connection.vendor == "postgresql" else f"json_extract(p.value, '$.{name}')"


def _kind() -> str:
    """Return the SQL expression for the part of a message before the colon, which does not depend on the row."""
    message = _part("message")
    if connection.vendor == "postgresql":
        return f"split_part({message}, ':', 1)"
    return f"substr({message}, 1, instr({message} || ':', ':') - 1)"
