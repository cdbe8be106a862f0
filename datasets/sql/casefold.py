"""Case folding with the same result on both engines, so that a search finds the same records.

Letters of all scripts are folded with Unicode's simple case folding: ``Ω`` to ``ω`` (``ς`` to ``σ``), ``Ж`` to ``ж``,
``Ა`` to ``ა``. A letter never becomes two letters, so ``ß`` does not match ``ss``. In every locale, the Turkish ``İ``
is folded to ``i``, and ``ı`` is unchanged. Accents are kept, so ``é`` does not match ``e``. The databases' own
functions are not used: PostgreSQL's lower() depends on the server's locale, and SQLite's lower() folds only ASCII.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import migrations, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState, StateApps
from django.db.models.sql.compiler import SQLCompiler

Condition = tuple[str, tuple[str | int, ...]]  # SQL and its parameters


def _folded(letter: str) -> str:
    return next((folded for folded in (letter.casefold(), letter.lower()) if len(folded) == 1), letter)


@cache
def folding() -> dict[int, str]:
    """Return the folding table: the letters that change, and their folded letters."""
    # Ideographs and later code points have no case.
    letters = (chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000)
    table = {ord(letter): _folded(letter) for letter in letters if _folded(letter) != letter}
    return table | {ord("İ"): "i"}


def fold_case(text: str | None) -> str | None:
    """Return *text* case-folded, with the same result as fold_case() in the databases."""
    if not isinstance(text, str):
        return text
    return text.lower() if text.isascii() else text.translate(folding())


class Folded(models.Lookup[str]):
    """A comparison of case-folded strings."""

    prepare_rhs = True

    def sides(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *, like: bool = False
    ) -> tuple[str, str, tuple[str | int, ...]]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        if like:
            rhs_params = tuple(connection.ops.prep_for_like_query(str(text)) + "%" for text in rhs_params)
        return f"fold_case({lhs})", f"fold_case({rhs})", (*lhs_params, *rhs_params)


@models.CharField.register_lookup
@models.TextField.register_lookup
class FoldedContains(Folded):
    lookup_name = "folded_contains"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Condition:
        column, text, params = self.sides(compiler, connection)
        return f"instr({column}, {text}) > 0", params

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Condition:
        column, text, params = self.sides(compiler, connection)
        return f"strpos({column}, {text}) > 0", params


@models.CharField.register_lookup
@models.TextField.register_lookup
class FoldedPrefix(Folded):
    """A case-insensitive prefix comparison. On PostgreSQL, it can use the index that AddFoldedIndex creates."""

    lookup_name = "folded_prefix"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Condition:
        column, text, params = self.sides(compiler, connection)
        return f"instr({column}, {text}) = 1", params

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Condition:
        column, text, params = self.sides(compiler, connection, like=True)
        return f"{column} LIKE {text}", params


class AddFoldCase(migrations.RunPython):
    """Create fold_case() on PostgreSQL. On SQLite, datasets.sql.sqlite_functions adds it to each connection."""

    def __init__(self) -> None:
        super().__init__(_make_fold_case, _drop_fold_case)

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [], {}


class AddFoldedIndex(Operation):
    """Create an index for case-insensitive prefix search on PostgreSQL.

    On SQLite, no index is created, because other programs could not use a database with an index on a custom function.
    """

    def __init__(self, table: str, column: str):
        self.table, self.column = table, column

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.table, self.column], {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        if schema_editor.connection.vendor == "postgresql":
            quote = schema_editor.quote_name
            schema_editor.execute(
                f"CREATE INDEX {quote(self.name)} ON {quote(self.table)}"
                f" (fold_case({quote(self.column)}) text_pattern_ops)"
            )

    def database_backwards(self, app_label: str, schema_editor: Editor, *states: ProjectState) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(self.name)}")

    def describe(self) -> str:
        return f"Create case-insensitive prefix index on {self.table}.{self.column}"

    @property
    def name(self) -> str:
        return f"{self.table}_{self.column}_folded"

    @property
    def migration_name_fragment(self) -> str:
        return self.name


def _make_fold_case(apps: StateApps, schema_editor: Editor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    table = folding()
    upper, lower = "".join(map(chr, table)), "".join(table.values())
    latin = {code: letter for code, letter in table.items() if 0x7F < code < 0x180}
    # translate() searches its table for each character. ASCII text therefore uses lower(), and Latin text uses a short
    # table, which takes a tenth of the time. The function is written in PL/pgSQL, because the planner would inline an
    # SQL function.
    schema_editor.execute(
        "CREATE OR REPLACE FUNCTION fold_case(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$"
        ' BEGIN IF octet_length($1) = char_length($1) THEN RETURN lower($1 COLLATE "C"); END IF;'
        " IF $1 !~ '[^\\u0001-\\u017F]' THEN"
        f" RETURN translate(lower($1 COLLATE \"C\"), '{''.join(map(chr, latin))}', '{''.join(latin.values())}');"
        " END IF;"
        f" RETURN translate($1, '{upper}', '{lower}'); END $$"
    )


def _drop_fold_case(apps: StateApps, schema_editor: Editor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION fold_case(text)")
