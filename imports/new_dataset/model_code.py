"""Generate ``models.py`` of a new dataset."""

from collections.abc import Iterator

from datasets.text import visible
from imports.new_dataset.choices import Choice
from imports.new_dataset.literals import in_prose, literal
from imports.new_dataset.names import member_names
from imports.new_dataset.proposal import Table

LONGEST_LABEL = 100  # characters
SEARCHED = 5  # text columns
SHOWN = 6  # values in a help text


def models_py(app: str, tables: list[Table]) -> str:
    """Return the code of the models, parents first."""
    body = "\n\n".join("\n".join(lines) for table in tables for lines in _classes(table))
    names = {name for name in NAMES if f"{name}(" in body or f"({name})" in body}
    imports = [f"from {module} import {', '.join(used)}" for module, all_ in MODULES if (used := sorted(names & all_))]
    files = ", ".join(in_prose(table.file.path.name) for table in tables[:3])
    docstring = (
        f'"""The tables of {app}, from {files}.\n\nThe help text of a field is its entry in the data dictionary.\n"""'
    )
    return "\n".join([docstring, "", "from django.db import models", "", *imports, "", "", body, ""])


MODULES = (
    ("datasets.constraints", {"identity_is_unique", "not_empty", "one_of"}),
    ("datasets.fields", {"JSONField"}),
    ("datasets.listing", {"Listing"}),
    ("datasets.models", {"ContentRecord", "Record", "Vocabulary"}),
)
NAMES = set().union(*(names for _, names in MODULES))


def _classes(table: Table) -> Iterator[list[str]]:
    for choice in table.choices:
        if choice.kind == "Vocabulary":
            name = table.vocabularies[choice.heading]
            named = f'db_table = "{table.name}_{choice.name}_terms"'
            yield [f"class {name}(Vocabulary):", *_meta([named], "Vocabulary")]
        elif choice.kind == "Choice":
            members = zip(member_names(choice.values), choice.values, strict=True)
            lines = [f"    {member} = {literal(value)}, {literal(value)}" for member, value in members]
            yield [f"class {table.vocabularies[choice.heading]}(models.TextChoices):", *lines, ""]
    yield _record(table)


def _meta(lines: list[str], base: str = "") -> list[str]:
    return [f"    class Meta{f'({base}.Meta)' if base else ''}:", *(f"        {line}" for line in lines), ""]


def _record(table: Table) -> list[str]:
    base = "Record" if table.key else "ContentRecord"
    about = "identified by its key" if table.key else "The rows have no key: equal rows are separate records"
    about = f"A row of {in_prose(table.file.path.name)}" + (f", {about}." if table.key else f". {about}.")
    lines = [f"class {table.model}({base}):", f'    """{about}"""', "", f"    # Key: {table.why_key}."]
    if not table.has_natural_key:
        lines += ["    id = models.BigAutoField(primary_key=True)"]
    for choice in table.choices:
        reason = "" if table.has_natural_key and choice.heading == table.key[0] else f"    # {choice.reason}\n"
        lines.append(f"{reason}    {choice.name} = {_field(table, choice)}")
    return [*lines, "", f"    listing = Listing({_listing(table)})", "", *_meta(_options(table))]


def _field(table: Table, choice: Choice) -> str:
    parts = [] if _is_default(choice) else [literal(_label(choice))]
    kind = f"models.{choice.kind}"
    match choice.kind:
        case "Reference":
            parts = [f"{table.references[choice.heading].model}", "models.PROTECT", *_keyword_label(parts)]
            kind = "models.ForeignKey"
        case "Vocabulary":
            parts = [table.vocabularies[choice.heading], "models.PROTECT", *_keyword_label(parts), "db_index=False"]
            kind = "models.ForeignKey"
        case "Choice":
            parts += [f"max_length={choice.length}", f"choices={table.vocabularies[choice.heading]}.choices"]
            kind = "models.CharField"
        case "CharField":
            parts.append(f"max_length={choice.length}")
        case "JSONField":
            kind = "JSONField"
    if kind == "models.ForeignKey":
        parts.append(f'related_name="{_related_name(table, choice)}"')
    if table.key == [choice.heading]:
        parts.append("primary_key=True" if table.has_natural_key else "unique=True")
    if choice.null:
        parts.append("null=True, blank=True")
    return f"{kind}({', '.join([*parts, f'help_text={literal(help_text(choice))}'])})"


def _keyword_label(parts: list[str]) -> list[str]:
    return [f"verbose_name={part}" for part in parts]


def _label(choice: Choice) -> str:
    return visible(choice.heading)[:LONGEST_LABEL]


def _is_default(choice: Choice) -> bool:
    return choice.heading.lower().replace("_", " ") == choice.name.replace("_", " ")


def _related_name(table: Table, choice: Choice) -> str:
    """Return a name that only this reference of the table has, and no field of the other table."""
    return f"{table.name}_by_{choice.name}"


def help_text(choice: Choice) -> str:
    """Return the description of a field, as far as the file shows it."""
    if choice.kind in ("Choice", "Vocabulary"):
        values = [visible(value) for value in choice.values[:SHOWN]]
        more = f" and {len(choice.values) - SHOWN} more" if len(choice.values) > SHOWN else ""
        return " ".join([f"One of {', '.join(values)}{more}.", *choice.notes])
    first = {"BooleanField": "Yes or no.", "Reference": "A record of another table.", "JSONField": "A JSON value."}
    return " ".join([first.get(choice.kind, ""), *choice.notes]).strip() or "Text."


def _listing(table: Table) -> str:
    paths = [f"{table.choice(table.key[0]).name}__exact"] if table.has_natural_key else []
    for choice in table.choices:
        if choice.kind in ("CharField", "TextField") and len(paths) < SEARCHED:
            paths.append(choice.name)
        elif choice.kind == "Vocabulary" and len(paths) < SEARCHED:
            paths.append(f"{choice.name}__name")
    parts = [f"search={paths!r}"] if paths else []
    key = table.key_choice
    if key and key.kind == "CharField":
        parts.insert(0, f'label="{key.name}"')
    return ", ".join(parts).replace("'", '"')


def _options(table: Table) -> list[str]:
    rules = [] if table.key else [f'identity_is_unique("{table.name}")']
    if len(table.key) > 1:
        names = [table.choice(heading).name for heading in table.key]
        quoted = ", ".join(f'"{name}"' for name in names)
        rules.append(f'models.UniqueConstraint(fields=[{quoted}], name="{table.name}_key")')
    for choice in table.choices:
        if choice.kind == "Choice":
            rules.append(f'one_of("{choice.name}", {table.vocabularies[choice.heading]})')
        elif choice.null and choice.kind in ("CharField", "TextField"):
            rules.append(f'not_empty("{choice.name}")')
    lines = [f'db_table = "{table.name}"', f'verbose_name_plural = "{table.name.replace("_", " ")}"']
    return lines + ([f"constraints = [{', '.join(rules)}]"] if rules else [])
