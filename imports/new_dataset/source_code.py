"""Generate ``sources.py`` of a new dataset."""

from glob import escape

from imports.new_dataset.choices import Choice
from imports.new_dataset.literals import literal, tuple_of
from imports.new_dataset.proposal import Table
from imports.readers.headers import plain
from imports.written_forms import DateFormat, NumberFormat, WrittenForm


def sources_py(app: str, tables: list[Table]) -> str:
    """Return the code of the sources, parents first."""
    body = "\n\n".join(_source(table, tables) for table in tables)
    names = ("Column", "CSVSource", "DateFormat", "JSONRecords", "NumberFormat", "Reference", "VocabularyColumn")
    used = ", ".join(name for name in names if f"{name}(" in body or f"({name})" in body)
    models = ", ".join(sorted(table.model for table in tables))
    own, shared = f"from {app}.models import {models}", f"from imports.sources import {used}"
    return "\n".join([f'"""The files of {app}."""', "", *sorted([own, shared]), "", "", body, ""])


def column_name(table: Table, choice: Choice) -> str:
    """Return the name of the column in the source: the field's name, or the heading."""
    return choice.name if _is_implied(table, choice) else choice.heading


def _is_implied(table: Table, choice: Choice) -> bool:
    if choice.written or choice.yes or choice.kind == "Reference":
        return False
    return choice.heading == choice.name if table.file.is_json else plain(choice.heading) == choice.name


def _source(table: Table, tables: list[Table]) -> str:
    base = "JSONRecords" if table.file.is_json else "CSVSource"
    lines = [
        f"class {table.source}({base}):",
        f"    file = {literal(_pattern(table, tables))}",
        f"    model = {table.model}",
    ]
    if table.key:
        names = [column_name(table, table.choice(heading)) for heading in table.key]
        lines.append(f"    key = {tuple_of(names)}  # {table.why_key}")
    else:
        lines[-1] += "  # without a key: identified by content and number of occurrences"
    if table.file.headerless:
        lines.append("    headerless = True")
    if table.missing:
        lines.append(f"    missing = {tuple_of(table.missing)}")
    if columns := [_column(table, choice) for choice in table.choices if not _is_implied(table, choice)]:
        lines += ["    columns = {", *(f"        {column}," for column in columns), "    }"]
    return "\n".join([*lines, ""])


def _pattern(table: Table, tables: list[Table]) -> str:
    """Return a pattern for the file and its later versions, unless their names fit another file of the dataset, too."""
    path = table.file.path
    others = [other.file.path.name for other in tables if other is not table]
    later = any(name.lower().startswith(path.stem.lower()) for name in others)
    return escape(path.name) if later else f"{escape(path.stem)}*{escape(path.suffix)}"


def _column(table: Table, choice: Choice) -> str:
    name = column_name(table, choice)
    field = [] if name == choice.name else [f'"{choice.name}"']
    if choice.kind == "Reference":
        other = table.references[choice.heading]
        key = other.choice(other.key[0]).name
        named = [f"field={part}" for part in field]
        parts = [other.model, f'by="{key}"', *named]
        return f"{literal(name)}: Reference({', '.join(parts)})"
    if choice.kind == "Vocabulary":
        return f"{literal(name)}: VocabularyColumn({', '.join(field)})"
    parts = list(field)
    if choice.yes:
        parts.append(f"spellings={{True: [{literal(choice.yes)}], False: [{literal(choice.no)}]}}")
    if choice.written:
        parts.append(f"written={_form(choice.written)}")
    return f"{literal(name)}: Column({', '.join(parts)})"


def _form(form: WrittenForm) -> str:
    if isinstance(form, DateFormat):
        return f"DateFormat({literal(form.format)})"
    parts = [f"thousands={literal(form.thousands)}"] if form.thousands else []
    parts += [f"decimal={literal(form.decimal)}"] if form.decimal != NumberFormat().decimal else []
    parts += ["percent=True"] if form.percent else []
    return f"NumberFormat({', '.join(parts)})"
