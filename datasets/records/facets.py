"""Facet counts: exact for small results, bounded or estimated for large ones."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from django.db import connections, models

from datasets.fields import field_of, through_model
from datasets.records.analytical_copy import copy_executor
from datasets.records.filter_widgets import CHOICE, FilterWidget
from datasets.records.pagination import COUNTED, EXACT, BoundedPaginator

Counts = Mapping[Any, float]  # by value; estimates are not integers


class Listing(Protocol):
    """A list of *model*, with its *paginator*. ``narrowed`` returns the list without some of its filters."""

    model: type[models.Model]

    @property
    def paginator(self) -> BoundedPaginator: ...

    def narrowed(self, without: Sequence[str] = ()) -> models.QuerySet[Any]: ...


class Facets:
    """The facet counts of a list's choices, from its first COUNTED records, with a bounded number of queries.

    For a larger table without filters, the counts are estimates from PostgreSQL's statistics. If the counts have to be
    *exact*, they are from all records of a list with at most EXACT records, or with an analytical copy.
    """

    def __init__(
        self,
        listing: Listing,
        widgets: Sequence[FilterWidget],
        active: dict[str, Collection[str]],
        *,
        exact: bool = False,
    ):
        """*active* has the parameters of the list's active filters, by column name."""
        self.listing = listing
        self.copy = copy_executor() if exact else None
        self.most = EXACT if exact and (listing.paginator.exact_count or EXACT + 1) <= EXACT else COUNTED
        self.marks: dict[str, str] = {}
        self.counts: dict[str, Counts] = {}
        choices = [widget for widget in widgets if widget.kind == CHOICE]
        for widget in choices if self.copy else ():
            self._count_in_copy(widget, list(active.get(widget.column.name, ())))
        choices = [widget for widget in choices if widget.column.name not in self.counts]
        self._take_statistics([widget for widget in choices if not widget.column.many])
        waiting = [widget for widget in choices if widget.column.name not in self.counts]
        self._count(
            [widget for widget in waiting if not active.get(widget.column.name) and not widget.column.many], without=[]
        )
        for widget in waiting:
            without = list(active.get(widget.column.name, ()))
            if isinstance(widget.column.field, models.ManyToManyField):
                self._count_many(widget.column.name, widget.column.field, without)
            elif without:
                self._count([widget], without)

    @property
    def is_partial(self) -> bool:
        """Whether some counts cover only the first records."""
        return "+" in self.marks.values()

    def display_count(self, widget: FilterWidget, value: Any) -> str:
        """Return the count of *value* in *widget* for display: ``12``, ``12+`` (at least) or ``about 1,200``."""
        counts, mark = self.counts.get(widget.column.name), self.marks.get(widget.column.name)
        if counts is None:
            return ""
        count = counts.get(value, 0)
        if mark == "about":
            return f"about {_rounded(count):,}" if count else "few"
        return f"{count:,}{mark}"

    def _queryset(self, without: list[str]) -> models.QuerySet[Any]:
        return self.listing.narrowed(without).order_by()

    def _count(self, filters: list[FilterWidget], without: list[str]) -> None:
        if not filters:
            return
        paths = {widget.column.name: _value(widget) for widget in filters}
        rows = list(self._queryset(without).values_list(*paths.values())[: self.most + 1])
        mark = "+" if len(rows) > self.most else ""
        by_path = zip(*rows[: self.most], strict=True) if rows else [()] * len(paths)
        for name, values in zip(paths, by_path, strict=True):
            keys = next(widget.keys for widget in filters if widget.column.name == name)
            self._keep(name, _by_value(Counter(values), keys), mark)

    def _count_in_copy(self, widget: FilterWidget, without: list[str]) -> None:
        """Count the values of *widget* in all records, if the analytical copy has them."""
        path = "corrected" if widget.column.name == "corrected" else str(_value(widget))
        counts = self.copy.counts_of(self._queryset(without), path) if self.copy else None
        if counts is not None:
            self._keep(widget.column.name, _by_value(counts, widget.keys), "")

    def _count_many(self, name: str, field: models.ManyToManyField[Any, Any], without: list[str]) -> None:
        """Count the values of the many-to-many column *name* in the intermediate rows of the first COUNTED records."""
        of, to = f"{field.m2m_field_name()}_id", f"{field.m2m_reverse_field_name()}_id"
        queryset = self._queryset(without)
        more = queryset[: self.most + 1].count() > self.most
        linked = through_model(field)._default_manager.filter(**{f"{of}__in": queryset[: self.most].values("pk")})
        counts = linked.order_by().values_list(to).annotate(models.Count("pk"))
        self._keep(name, dict(counts), "+" if more else "")

    def _take_statistics(self, filters: list[FilterWidget]) -> None:
        """Use the frequencies from ANALYZE if the list has more than COUNTED records and no filters."""
        paginator = self.listing.paginator
        connection = connections[paginator.object_list.db]
        if self.most > COUNTED or connection.vendor != "postgresql":
            return
        if paginator.is_exact or not paginator.is_unfiltered:
            return
        columns = {widget.column.name: _column(self.listing.model, widget) for widget in filters}
        if None in columns.values():
            return  # columns of other tables must be counted, and one query counts all columns
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT attname, most_common_vals::text::text[], most_common_freqs, null_frac FROM pg_stats"
                " WHERE schemaname = current_schema() AND tablename = %s AND attname = ANY(%s)",
                [self.listing.model._meta.db_table, list(columns.values())],
            )
            statistics = {name: (values or [], shares or [], missing) for name, values, shares, missing in cursor}
        for widget in filters:
            if column_statistics := statistics.get(columns[widget.column.name]):
                values, shares, missing = column_statistics
                counts: Counts = {
                    _parameter_value(text): share * paginator.count for text, share in zip(values, shares, strict=True)
                }
                if widget.column.name == "corrected":
                    counts = {"false": missing * paginator.count, "true": (1 - missing) * paginator.count}
                if widget.keys is not None:
                    counts = _by_value({int(key): count for key, count in counts.items()}, widget.keys)
                self._keep(widget.column.name, {**counts, None: missing * paginator.count}, "about")

    def _keep(self, name: str, counts: Counts, mark: str) -> None:
        self.counts[name], self.marks[name] = counts, mark


def _value(widget: FilterWidget) -> str | models.ExpressionWrapper[Any]:
    if widget.column.name == "corrected":
        return models.ExpressionWrapper(models.Q(corrections__isnull=False), models.BooleanField())
    return widget.column.path if widget.keys is None else f"{widget.column.path.split('__')[0]}_id"


def _by_value(counts: Counts, keys: Mapping[int, Any] | None) -> Counts:
    """Return *counts* by parameter value: the term of a key, or ``true`` for True."""
    by_value: dict[Any, float] = defaultdict(int)
    for value, count in counts.items():
        if isinstance(value, bool):
            value = "true" if value else "false"
        elif keys is not None and value is not None:
            value = keys.get(value)
            if value is None:
                continue
        by_value[value] += count
    return by_value


def _parameter_value(text: str) -> str:
    """Return the parameter value for *text*, a value in PostgreSQL's statistics."""
    return {"t": "true", "f": "false"}.get(text, text)


def _column(model: type[models.Model], widget: FilterWidget) -> str | None:
    """Return the column of *model*'s table with the statistics for *widget*, or None for a column of another table."""
    if widget.keys is None and "__" in widget.column.path:
        return None
    return field_of(model, widget.column.path.split("__")[0]).column


def _rounded(count: float) -> int:
    """Return an estimated *count* rounded to two digits."""
    digits = max(len(str(int(count))) - 2, 0)
    return int(round(count, -digits))
