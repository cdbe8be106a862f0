"""Write rows with PostgreSQL's COPY. The query also resolves labels, lists and masks."""

from collections.abc import Generator
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import EmptyResultSet
from django.db import connections, models, transaction
from django.db.models import F, Func
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce
from psycopg.abc import PQGen
from psycopg.generators import copy_from
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn

from exports import columns as kinds
from exports.columns import ExportedColumn, MaskMark
from exports.formula_escaping import FORMULA, MARKED

BLOCK = 1 << 16  # bytes
# Settings of the transaction, which override those of the server and the role. Parallel workers would increase the
# server's CPU time by a third without making the export faster, because COPY writes all rows in one process.
SETTINGS = {
    "datestyle": "ISO, YMD",
    "timezone": "UTC",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "max_parallel_workers_per_gather": "0",
}


def csv_rows(
    queryset: models.QuerySet[Any], columns: list[ExportedColumn], blank: str = "", *, defuse: bool = False
) -> Generator[bytes]:
    """Yield the rows of *queryset* as CSV without a header, in blocks of whole rows. *blank* is an empty cell."""
    cells: list[Combinable] = [_cell(column) for column in columns]
    if defuse:
        cells = [_Defused(c) if o.kind in kinds.TEXTUAL else c for o, c in zip(columns, cells, strict=True)]
        cells.append(models.Value(MARKED))
    if blank:  # COPY writes nothing for NULL, and quotes for an empty string
        text = models.TextField()
        cells = [Coalesce(Cast(cell, text), models.Value(""), output_field=text) for cell in cells]
    return _copied(queryset.values_list(*cells), "{query}", "FORMAT csv")


def ndjson_rows(queryset: models.QuerySet[Any], columns: list[ExportedColumn]) -> Generator[bytes]:
    """Yield the rows of *queryset* as NDJSON, in blocks of whole rows."""
    quote = connections[queryset.db].ops.quote_name
    names = ", ".join(quote(column.name) for column in columns)
    # The format is CSV without quoting, because PostgreSQL's JSON contains no control characters.
    return _copied(
        queryset.values_list(*(_value(column) for column in columns)),
        f"SELECT row_to_json(exported) FROM ({{query}}) AS exported ({names.replace('%', '%%')})",
        r"FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02'",
    )


def _copied(rows: models.QuerySet[Any], around: str, options: str) -> Generator[bytes]:
    connection = connections[rows.db]
    try:
        query, parameters = rows.query.get_compiler(using=rows.db).as_sql()
    except EmptyResultSet:
        return
    with transaction.atomic(using=rows.db), connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(['set_config(%s, %s, true)'] * len(SETTINGS))}",
            [text for setting in SETTINGS.items() for text in setting],
        )
        # COPY does not accept parameters, so the client inserts them.
        statement = cursor.mogrify(f"COPY ({around.replace('{query}', query)}) TO STDOUT ({options})", parameters)
        with connection.wrap_database_errors, cursor.copy(statement):
            driver = connection.connection
            while block := driver.wait(_block(driver.pgconn)):
                yield block


def _block(driver: PGconn) -> PQGen[bytes]:
    """Collect rows into a block, because calling ``Connection.wait`` for each row would be slow."""
    block = bytearray()
    if driver.transaction_status == TransactionStatus.ACTIVE:  # rows remain to be read
        while len(block) < BLOCK and isinstance(row := (yield from copy_from(driver)), memoryview):
            block += row
    return bytes(block)


class _Masked(Func):
    """An e-mail address, masked in the same way as by datasets.records.masking.masked()."""

    output_field = models.TextField()
    arity = 1
    template = (
        "(CASE WHEN %(expressions)s = '' THEN '' WHEN strpos(%(expressions)s, '@') = 0 THEN '****' ELSE "
        "left(substring(%(expressions)s from '^(.*)@'), 1) || '****@' || substring(%(expressions)s from '[^@]*$') END)"
    )


class _Defused(Func):
    """Text with formula escaping."""

    output_field = models.TextField()
    arity = 1
    # In this SQL string literal, quotes are doubled and backslashes are not.
    template = f"regexp_replace(%(expressions)s, '^({FORMULA.replace(chr(39), chr(39) * 2)})', '''\\1')"


class _Joined(Func):
    """A list as a CSV cell, with its members separated by semicolons, or NULL for an empty list."""

    output_field = models.TextField()
    template = "NULLIF(array_to_string(%(expressions)s, ';'), '')"


class _Split(Func):
    """Text with a list of numbers, converted to an array. NULL becomes an empty array."""

    output_field = models.JSONField()  # any field for which Django does not convert values
    template = "COALESCE(string_to_array(NULLIF(%(expressions)s, ''), ';')::bigint[], '{}')"


class _Instant(Func):
    """A timestamp in the JSON format instead of PostgreSQL's format."""

    output_field = models.TextField()
    template = "(to_json(%(expressions)s) #>> '{}')"


def _cell(column: ExportedColumn) -> Combinable:
    value = _value(column)
    match column.kind:
        case kinds.LIST:
            return _Joined(value) if column.listed.many else F(column.listed.path)
        case kinds.BOOLEAN | kinds.JSON:
            return Cast(value, models.TextField())
        case kinds.TIME:
            return _Instant(value)
    return value


def _value(column: ExportedColumn) -> Combinable:
    if isinstance(column, MaskMark):
        return models.Value(column.text, models.TextField())
    if column.members is not None:
        return ArraySubquery(column.members)
    value = F(column.listed.path)
    if column.masked:
        return _Masked(value)
    if column.listed.is_list:
        return _Split(value)
    return Cast(value, models.FloatField()) if column.kind == kinds.FLOAT else value
