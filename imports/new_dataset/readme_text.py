"""Generate ``README.md`` of a new dataset, and describe the proposal in the terminal."""

from collections.abc import Iterator

from datasets.text import shown
from imports.new_dataset.choices import Choice
from imports.new_dataset.examination import Examined
from imports.new_dataset.literals import in_prose, in_table
from imports.new_dataset.model_code import help_text
from imports.new_dataset.proposal import Table

EXAMPLES = 3  # values of a column


def readme_md(app: str, tables: list[Table], encoding: str) -> str:
    """Return the text of the README, with a data dictionary whose meanings the user fills in."""
    option = "" if encoding == "utf-8" else f" --encoding {encoding}"
    files = " ".join(in_prose(table.file.path.name).replace(" ", "\\ ") for table in tables)
    lines = [
        f"# {app.replace('_', ' ').capitalize()}",
        "",
        "Say here what the rows are, who collected them, and the license.",
    ]
    lines += [
        "",
        "```console",
        "export DEBUG=on",
        f".venv/bin/python manage.py import_{app} {files}{option}",
        "```",
        "",
    ]
    for table in tables:
        lines += [f"## {in_prose(table.file.path.name)}, the table `{table.name}`", "", *_key(table), ""]
        lines += ["| column | heading | type | in the file | meaning |", "|---|---|---|---|---|"]
        for choice, column in zip(table.choices, table.columns, strict=True):
            found = f"{choice.reason}; such as {', '.join(map(in_table, _examples(column)))}"
            lines.append(f"| `{choice.name}` | {in_table(choice.heading)} | {_type(choice)} | {found} | |")
        if table.missing:
            lines += ["", f"**Missing values.** An empty cell, {', '.join(map(in_table, table.missing))}."]
        lines.append("")
    return "\n".join(lines)


def _key(table: Table) -> Iterator[str]:
    if table.key:
        yield f"The key is {', '.join(in_table(heading) for heading in table.key)}, {table.why_key}."
    else:
        yield f"Rows have no key: {table.why_key}. Equal rows are separate records."


def description(tables: list[Table]) -> Iterator[str]:
    """Yield the findings as lines for the terminal."""
    for table in tables:
        names = {",": "commas", ";": "semicolons", "\t": "tabs"}
        kind = "JSON" if table.file.is_json else f"separated by {names[table.file.layout.delimiter]}"
        yield f"{table.file.path}: {table.rows:,} rows of {len(table.columns):,} columns, {kind}; table {table.name}"
        for line, problem in list(table.file.malformed.items())[:EXAMPLES]:
            yield f"  line {line} cannot be read: {problem}"
        key = ", ".join(map(shown, table.key)) or "none"
        yield f"  key: {key} ({table.why_key})"
        if table.missing:
            yield f"  missing values: an empty cell, {', '.join(map(shown, table.missing))}"
        for choice, column in zip(table.choices, table.columns, strict=True):
            examples = ", ".join(map(shown, _examples(column)))
            yield f"  {choice.name}: {_type(choice)}, from {shown(choice.heading)}: {choice.reason}; such as {examples}"
            if notes := help_text(choice):
                yield f"      {notes}"


def _examples(column: Examined) -> list[str]:
    return [text for text in dict.fromkeys(column.samples) if text][:EXAMPLES]


def _type(choice: Choice) -> str:
    names = {
        **{
            "IntegerField": "whole number",
            "BigIntegerField": "whole number",
            "FloatField": "number",
            "DateField": "date",
        },
        **{"BooleanField": "yes or no", "CharField": "text", "TextField": "text", "JSONField": "JSON"},
        **{"Choice": "one of a few values", "Vocabulary": "term of a vocabulary", "Reference": "reference"},
    }
    return names[choice.kind] + (", may be missing" if choice.null else "")
