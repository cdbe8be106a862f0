"""The proposal for a dataset: its tables, their fields and keys, and the references between them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from datasets.reserved_names import reserved
from imports.new_dataset.choices import Choice, choose
from imports.new_dataset.examination import Examined, examine
from imports.new_dataset.flat_files import FlatFile
from imports.new_dataset.keys import key_of, may_refer, refers
from imports.new_dataset.names import class_name, field_names, singular, table_name, words
from imports.readers import ReadError


@dataclass(eq=False)
class Table:
    """The table for a file. *key* has the headings of the key's columns."""

    file: FlatFile
    columns: list[Examined]
    choices: list[Choice]
    missing: list[str]
    key: list[str]
    why_key: str
    name: str = ""
    model: str = ""
    source: str = ""
    references: dict[str, "Table"] = field(default_factory=dict)  # by heading
    vocabularies: dict[str, str] = field(default_factory=dict)  # class names by heading

    @property
    def rows(self) -> int:
        return self.columns[0].rows if self.columns else 0

    def choice(self, heading: str) -> Choice:
        return next(choice for choice in self.choices if choice.heading == heading)

    @property
    def key_choice(self) -> Choice | None:
        """The only column of the key, or None."""
        return self.choice(self.key[0]) if len(self.key) == 1 else None

    @property
    def has_natural_key(self) -> bool:
        """Whether the key is a whole number, which becomes the primary key."""
        return (
            self.key_choice is not None and "Integer" in self.key_choice.kind and not self.references.get(self.key[0])
        )


def propose(app: str, paths: Iterable[Path], encoding: str = "utf-8") -> list[Table]:
    """Return the tables of the dataset *app* for some files, parents first. Raises ReadError."""
    tables = [_table(FlatFile(path, encoding)) for path in paths]
    headings = {frozenset(table.file.headings): table.file.path for table in tables}
    if len(headings) < len(tables):
        first = next(table.file.path for table in tables if table.file.path not in headings.values())
        raise ReadError(f"{first}: another file has the same columns. Give one of them, and import both.")
    _name_tables(app, tables)
    _refer(tables)
    tables = _parents_first(tables)
    classes: set[str] = set()
    for table in tables:
        table.model = class_name(table.name if len(tables) > 1 else app, classes)
    for table in tables:
        _name_fields(table, classes)
    for table in tables:
        table.source = f"{table.model}Source" if f"{table.model}s" in classes else f"{table.model}s"
        classes.add(table.source)
    return tables


def _table(file: FlatFile) -> Table:
    columns = examine(file)
    if not columns or columns[0].rows <= len(file.malformed):
        first = "".join(f" Line {line}: {problem}" for line, problem in list(file.malformed.items())[:1])
        raise ReadError(
            f"{file.path}: most rows do not have as many cells as the first row. Delete lines above the header.{first}"
        )
    choices, missing = choose(columns, file.kinds, terms=not file.is_json)
    key, why = key_of(file, columns, choices)
    for choice in choices:
        if choice.heading in key and choice.kind in ("Choice", "Vocabulary"):
            length = next(column.longest for column in columns if column.heading == choice.heading)
            choice.kind, choice.length, choice.values = "CharField", max(20, 2 * length), []
    return Table(file, columns, choices, missing, key, why)


def _name_tables(app: str, tables: list[Table]) -> None:
    taken: set[str] = set()
    for table in tables:
        stem = table.file.path.stem
        table.name = table_name(app if len(tables) == 1 else f"{app} {stem}", taken)
        taken.add(table.name)


def _refer(tables: list[Table]) -> None:
    """Find the columns that refer to the keys of other tables, without circles."""
    for table in tables:
        for other in tables:
            if other is table or other.key_choice is None or _leads_to(other, table):
                continue
            files = (other.file.path.stem, singular(other.file.path.stem))
            for choice in table.choices:
                if choice.heading in table.references or not may_refer(choice, other.key_choice, files):
                    continue
                if choice.heading in table.key:  # imports compare keys with the cells of the file
                    continue
                if refers(table.file, choice.heading, other.file, other.key[0]):
                    table.references[choice.heading] = other
                    choice.reason = f"all values are in {other.file.path.name}"
                    choice.kind = "Reference"
                    break


def _leads_to(table: Table, target: Table) -> bool:
    return any(other is target or _leads_to(other, target) for other in table.references.values())


def _parents_first(tables: list[Table]) -> list[Table]:
    ordered: list[Table] = []
    waiting = list(tables)
    while waiting:
        ready = [table for table in waiting if all(other in ordered for other in table.references.values())]
        ordered += ready
        waiting = [table for table in waiting if table not in ready]
    return ordered


def _name_fields(table: Table, classes: set[str]) -> None:
    allowed = {"id"} if table.has_natural_key and words(table.key[0]) == ["id"] else set()
    stem = words(table.file.path.stem)[-1:] or ["file"]
    names = field_names([choice.heading for choice in table.choices], singular(stem[0]), allowed=allowed)
    for choice, name in zip(table.choices, names, strict=True):
        choice.name = name
        if choice.kind == "Reference" and name.endswith("_id"):
            short = name.removesuffix("_id")
            choice.name = name if short in names or reserved(short) else short
        if choice.kind in ("Vocabulary", "Choice"):
            table.vocabularies[choice.heading] = class_name(f"{table.model} {name}", classes)
