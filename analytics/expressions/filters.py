"""The filters of a queryset as a condition of Ibis.

The condition has the same three-valued logic as SQL. A filter that this module does not know raises
UnsupportedQueryError, and the database answers.
"""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache, reduce
from itertools import groupby
from operator import and_, or_
from typing import Any

import ibis
import ibis.expr.types as ir
from django.core.exceptions import EmptyResultSet
from django.db import models
from django.db.models import lookups
from django.db.models.expressions import Col
from django.db.models.sql.datastructures import Join
from django.db.models.sql.query import Query
from django.db.models.sql.where import AND, OR, NothingNode, WhereNode

from analytics.columns import names_by_path
from datasets.sql.casefold import FoldedContains, FoldedPrefix, fold_case, folding

VALUES = (bool, int, float, str, date)


class UnsupportedQueryError(Exception):
    """The copy cannot answer this question; the message says why."""


def filtered(table: ir.Table, records: models.QuerySet[Any]) -> ir.Table:
    """Return the rows of *table* that *records* select. Raises UnsupportedQueryError, and EmptyResultSet for none."""
    query = records.query
    if query.combinator or query.is_sliced or query.distinct or query.extra or query.group_by is not None:
        raise UnsupportedQueryError("the query is not a plain list of records")
    model: type[models.Model] = records.model
    condition = Condition(table, query, names_by_path(model)).of(query.where)
    return table if condition is None else table.filter(condition)


class Condition:
    """Translates the conditions of *query* on *table*. *names* has the columns of the copy by path."""

    def __init__(self, table: ir.Table, query: Query, names: dict[str, str]):
        self.table, self.query, self.names = table, query, names

    def of(self, node: Any) -> ir.BooleanValue | None:
        """Return the condition of *node*, or None for no condition."""
        if isinstance(node, NothingNode):
            raise EmptyResultSet
        if not isinstance(node, WhereNode):
            return self._lookup(node)
        if node.connector not in (AND, OR):
            raise UnsupportedQueryError(f"the connector {node.connector}")
        parts = [part for child in node.children if (part := self._part(child, node)) is not None]
        if not parts:
            return None
        joined = reduce(and_ if node.connector == AND else or_, parts)
        return ~joined if node.negated else joined

    def _part(self, child: Any, node: WhereNode) -> ir.BooleanValue | None:
        try:
            return self.of(child)
        except EmptyResultSet:
            if node.connector == AND and not node.negated:
                raise
            return ibis.literal(value=False)

    def _lookup(self, lookup: Any) -> ir.BooleanValue:
        translate = next((TRANSLATIONS[kind] for kind in type(lookup).__mro__ if kind in TRANSLATIONS), None)
        if translate is None or not isinstance(lookup.lhs, Col):
            raise UnsupportedQueryError(f"the filter {type(lookup).__name__}")
        if lookup.lhs.target.name == "corrections" and isinstance(lookup, lookups.IsNull):
            corrected: Any = self.at("corrected")
            return ~corrected if lookup.rhs else corrected
        if isinstance(lookup, lookups.In) and lookup.lhs.target.primary_key:
            raise UnsupportedQueryError("records selected by their keys")
        return translate(self.column(lookup.lhs), lookup)

    def column(self, col: Col) -> ir.Value:
        """Return the column of the copy with the values of *col*."""
        path, alias = [col.target.attname], col.alias
        while isinstance(join := self.query.alias_map[alias], Join):
            field: Any = join.join_field
            path.insert(0, field.name)
            alias = join.parent_alias
        return self.at("__".join(path))

    def at(self, path: str) -> ir.Value:
        """Return the column of the copy at *path*. Raises UnsupportedQueryError."""
        if path not in self.names or self.names[path] not in self.table.columns:
            raise UnsupportedQueryError(f"{path} is not in the copy")
        return self.table[self.names[path]]


def literal(value: Any) -> Any:
    """Return *value* as a literal. Raises UnsupportedQueryError for other types than those of columns."""
    if not isinstance(value, VALUES) or isinstance(value, datetime):
        raise UnsupportedQueryError(f"a value of the type {type(value).__name__}")
    return ibis.literal(value)


def _in(column: ir.Value, lookup: Any) -> ir.BooleanValue:
    if not isinstance(lookup.rhs, list | tuple | set | frozenset):
        raise UnsupportedQueryError("values from a subquery")
    values = [value for value in lookup.rhs if value is not None]
    if not values:
        raise EmptyResultSet
    return column.isin([literal(value) for value in values])


def _isnull(column: ir.Value, lookup: Any) -> ir.BooleanValue:
    return column.isnull() if lookup.rhs else column.notnull()


def _contains(column: Any, lookup: Any) -> ir.BooleanValue:
    found: ir.BooleanValue = column.re_search(_pattern(lookup.rhs))
    return found


def _begins(column: Any, lookup: Any) -> ir.BooleanValue:
    found: ir.BooleanValue = column.re_search(rf"\A{_pattern(lookup.rhs)}")
    return found


def _pattern(text: str) -> str:
    """Return the regular expression of the texts that are *text* after case folding, for RE2 and Java alike."""
    return "".join(f"[{_codes(letter)}]" for letter in fold_case(text) or "")


def _codes(folded: str) -> str:
    return "".join(rf"\x{{{ord(letter):x}}}" for letter in _unfolded().get(folded, folded))


@cache
def _unfolded() -> dict[str, str]:
    """Return the letters that become each folded letter, with that letter itself."""
    pairs = sorted((folded, chr(code)) for code, folded in folding().items())
    return {
        folded: "".join([*(letter for _, letter in group), *([folded] if fold_case(folded) == folded else [])])
        for folded, group in groupby(pairs, key=lambda pair: pair[0])
    }


TRANSLATIONS: dict[type, Callable[[Any, Any], ir.BooleanValue]] = {
    lookups.Exact: lambda column, lookup: column == literal(lookup.rhs),
    lookups.GreaterThanOrEqual: lambda column, lookup: column >= literal(lookup.rhs),
    lookups.LessThanOrEqual: lambda column, lookup: column <= literal(lookup.rhs),
    lookups.In: _in,
    lookups.IsNull: _isnull,
    FoldedContains: _contains,
    FoldedPrefix: _begins,
}
