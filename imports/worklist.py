"""The worklist of rejected rows: each row once over all imports of a dataset, in its present state, by problem."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from django.db import connection
from django.db.models import BooleanField, Exists, F, OuterRef, QuerySet
from django.db.models.expressions import RawSQL

from imports.models import ImportRun, RejectedRow, ResolvedRow, SourceFile
from imports.rejected_rows import RejectedRowFormatter
from imports.resolved_rows import ResolvedRowQuerySet, RowState
from imports.sources import sources_of

AT_MOST = 10_000  # rows to group, to count, or to change at once
VALUES_SHOWN = 3  # most frequent values of a group
VALUES_TO_CHOOSE = 200  # values of a group to replace
HIDDEN = "is not valid"  # the problem of a value that the user may not see


def current_rows(dataset: str) -> QuerySet[RejectedRow]:
    """Return the rows that the present files of *dataset* cannot bring, the latest of each identity.

    These are the rows of the last applied version of each file, and of the fixed rows that were imported since.
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
    resolved = resolved_rows(dataset).filter(identity=OuterRef("identity"))
    if state == RowState.OPEN:
        return current_rows(dataset).filter(~Exists(resolved))
    rows = current_rows(dataset).filter(Exists(resolved.filter(state=state)))
    return rows if state == RowState.FIXED else rows.filter(~Exists(resolved.filter(state=RowState.FIXED)))


def resolved_rows(dataset: str) -> ResolvedRowQuerySet:
    """Return what makes rows of *dataset* fixed or ignored."""
    return ResolvedRow.objects.in_force(*(source.model for source in sources_of(dataset)))


def count_open(dataset: str) -> int:
    """Return the number of open rows of *dataset*, at most AT_MOST + 1."""
    return rows_in(dataset)[: AT_MOST + 1].count()


@dataclass
class ProblemGroup:
    """Rows of one source with one problem: its column (None for the row as a whole), and the kind as the user sees it.

    ``kinds`` are the stored kinds; none of a value that the user may not see.
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
    """Return the first AT_MOST of *rows* by problem, the largest group first, as far as the user may see them."""
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
    """Return the rows with a problem in *column* (None for the row as a whole), of one of *kinds* if there are any."""
    conditions = [f"{_part('column')} IS NULL" if column is None else f"{_part('column')} = %s"]
    if kinds:
        conditions.append(f"{_kind()} IN ({', '.join(['%s'] * len(kinds))})")
    query = f"EXISTS (SELECT 1 FROM {_elements('rejected_rows.problems')} WHERE {' AND '.join(conditions)})"
    parameters = [*([column] if column else []), *kinds]
    return rows.filter(RawSQL(query, parameters, output_field=BooleanField()))  # noqa: S611 - no value is in the query


def _problems(rows: QuerySet[RejectedRow]) -> Iterator[tuple[str, str | None, str, str | None, int]]:
    """Yield the source, column and kind of each problem with its number of rows, first without, then with its value."""
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


# SQL of the problems of a row, a JSON array; p is one of them.


def _elements(problems: str) -> str:
    return f"jsonb_array_elements({problems}) p" if connection.vendor == "postgresql" else f"json_each({problems}) p"


def _part(name: str) -> str:
    return f"p->>'{name}'" if connection.vendor == "postgresql" else f"json_extract(p.value, '$.{name}')"


def _kind() -> str:
    """Return the SQL expression of a message without what differs from row to row, which follows a colon."""
    message = _part("message")
    if connection.vendor == "postgresql":
        return f"split_part({message}, ':', 1)"
    return f"substr({message}, 1, instr({message} || ':', ':') - 1)"
