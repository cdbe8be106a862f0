"""One way to fold the case of letters, the same on both engines: what a search finds does not hang on the database.

Each letter folds to one letter, as Unicode's simple folding has it, over all of its scripts: ``Ω`` to ``ω`` (``ς`` to
``σ``, too), ``Ж`` to ``ж``, ``Ა`` to ``ა``. No letter becomes two, so ``ß`` is not ``ss``; the Turkish ``İ`` folds to
``i`` and ``ı`` stays, whatever the language of the server. Accents are kept: ``é`` is not ``e``.
PostgreSQL's own lower() hangs on the server's locale, and SQLite's folds ASCII only.
"""

from functools import cache

from django.db import migrations, models
from django.db.migrations.operations.base import Operation


def _folded(letter: str) -> str:
    return next((folded for folded in (letter.casefold(), letter.lower()) if len(folded) == 1), letter)


@cache
def folding() -> dict[int, str]:
    """Return what each letter folds to, without those that fold to themselves."""
    # Ideographs and what comes after them have no case.
    letters = (chr(code) for code in range(0x20000) if not 0xD800 <= code < 0xE000)
    table = {ord(letter): _folded(letter) for letter in letters if _folded(letter) != letter}
    return table | {ord("İ"): "i"}


def fold_case(text: str | None) -> str | None:
    """Return *text* with its case folded; as the databases do it."""
    if not isinstance(text, str):
        return text
    return text.lower() if text.isascii() else text.translate(folding())


class Folded(models.Lookup):
    """A comparison with both sides folded."""

    prepare_rhs = True

    def sides(self, compiler, connection, like: bool) -> tuple[str, str, list]:
        lhs, lhs_params = self.process_lhs(compiler, connection)
        rhs, rhs_params = self.process_rhs(compiler, connection)
        if like:
            rhs_params = [connection.ops.prep_for_like_query(text) + "%" for text in rhs_params]
        return f"fold_case({lhs})", f"fold_case({rhs})", [*lhs_params, *rhs_params]


@models.CharField.register_lookup
@models.TextField.register_lookup
class FoldedContains(Folded):
    lookup_name = "folded_contains"

    def as_sql(self, compiler, connection):
        column, text, params = self.sides(compiler, connection, like=False)
        return f"instr({column}, {text}) > 0", params

    def as_postgresql(self, compiler, connection):
        column, text, params = self.sides(compiler, connection, like=False)
        return f"strpos({column}, {text}) > 0", params


@models.CharField.register_lookup
@models.TextField.register_lookup
class FoldedPrefix(Folded):
    """Begins with: by the index that AddFoldedIndex makes on PostgreSQL, where there is one."""

    lookup_name = "folded_prefix"

    def as_sql(self, compiler, connection):
        column, text, params = self.sides(compiler, connection, like=False)
        return f"instr({column}, {text}) = 1", params

    def as_postgresql(self, compiler, connection):
        column, text, params = self.sides(compiler, connection, like=True)
        return f"{column} LIKE {text}", params


class AddFoldCase(migrations.RunPython):
    """Make fold_case() on PostgreSQL; SQLite gets it with each connection (datasets.sql.sqlite_functions)."""

    def __init__(self):
        super().__init__(_make_fold_case, _drop_fold_case)

    def deconstruct(self):
        return self.__class__.__qualname__, [], {}


class AddFoldedIndex(Operation):
    """Make the index on PostgreSQL by which records are found by the beginning of a text, whatever its case.

    A plain index of SQLite could not name a function of ours: other programs could not open the file.
    """

    def __init__(self, table: str, column: str):
        self.table, self.column = table, column

    def deconstruct(self):
        return self.__class__.__qualname__, [self.table, self.column], {}

    def state_forwards(self, app_label, state):
        pass

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            quote = schema_editor.quote_name
            schema_editor.execute(
                f"CREATE INDEX {quote(self.name)} ON {quote(self.table)}"
                f" (fold_case({quote(self.column)}) text_pattern_ops)"
            )

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX {schema_editor.quote_name(self.name)}")

    def describe(self):
        return f"Index {self.table} by the beginning of {self.column}, case folded"

    @property
    def name(self) -> str:
        return f"{self.table}_{self.column}_folded"

    @property
    def migration_name_fragment(self):
        return self.name


def _make_fold_case(apps, schema_editor) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    table = folding()
    upper, lower = "".join(map(chr, table)), "".join(table.values())
    latin = {code: letter for code, letter in table.items() if 0x7F < code < 0x180}
    # translate() looks through all the letters for each character, so that plain ASCII goes another way, and European
    # names, at a tenth of the time, through the few letters that they may have.
    # In plpgsql, because the planner would write a function of SQL out, letters and all, wherever it is called.
    schema_editor.execute(
        "CREATE OR REPLACE FUNCTION fold_case(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$"
        ' BEGIN IF octet_length($1) = char_length($1) THEN RETURN lower($1 COLLATE "C"); END IF;'
        " IF $1 !~ '[^\\u0001-\\u017F]' THEN"
        f" RETURN translate(lower($1 COLLATE \"C\"), '{''.join(map(chr, latin))}', '{''.join(latin.values())}');"
        " END IF;"
        f" RETURN translate($1, '{upper}', '{lower}'); END $$"
    )


def _drop_fold_case(apps, schema_editor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION fold_case(text)")
