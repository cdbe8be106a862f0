"""Generate the tests of a new dataset: five rows of each file, imported twice, and read in the API."""

import csv
import io
from collections.abc import Iterator

from datasets import exact_json
from imports.new_dataset.examination import SAMPLES
from imports.new_dataset.literals import literal, literal_of_lines
from imports.new_dataset.proposal import Table


def test_import_py(app: str, tables: list[Table]) -> str:
    """Return the code of the tests of the command and of the API."""
    rows = {table: list(_rows(table, tables)) for table in tables}
    constants = [f"{_constant(table)} = {_text_of(table, rows[table])}" for table in tables]
    names = {table: _file_name(table) for table in tables}
    writes = [f"    (tmp_path / {literal(names[t])}).write_text({_constant(t)}, encoding='utf-8')" for t in tables]
    created = [f'"{t.name}": {{"read": {len(rows[t])}, "created": {len(rows[t])}}}' for t in tables]
    unchanged = [f'"{t.name}": {{"read": {len(rows[t])}, "unchanged": {len(rows[t])}}}' for t in tables]
    return "\n".join(
        [
            f'"""Import of {app} by the command, and its API."""',
            "",
            "import pytest",
            "",
            "from tests.import_helpers import imported",
            "",
            "pytestmark = pytest.mark.django_db",
            "",
            *constants,
            "",
            "",
            "@pytest.fixture",
            "def folder(tmp_path):",
            *writes,
            "    return tmp_path",
            "",
            "",
            "def test_a_second_import_changes_nothing(folder):",
            f'    assert imported("import_{app}", folder).counts == {{{", ".join(created)}}}',
            f'    assert imported("import_{app}", folder).counts == {{{", ".join(unchanged)}}}',
            "",
            "",
            *_api_test(app, tables, rows),
            "",
        ]
    )


def _api_test(app: str, tables: list[Table], rows: dict[Table, list[int]]) -> Iterator[str]:
    yield "def test_the_api_has_the_rows(client, folder):"
    yield f'    imported("import_{app}", folder)'
    for table in tables:
        address = f"/api/{app}/{table.name.replace('_', '-')}/"
        key = table.choice(table.key[0]).name if table.has_natural_key else "id"
        yield f'    records = client.get("{address}").json()["results"]'
        yield f"    assert len(records) == {len(rows[table])}"
        yield f"""    assert client.get(f"{address}{{records[0]['{key}']}}/").json() == records[0]"""
        yield f'    assert client.get("{address}summary/").json()["results"] == [{{"count": {len(rows[table])}}}]'
        for choice in table.choices:
            if choice.kind == "Vocabulary":
                terms = f"{address.removesuffix('/')}-{choice.name.replace('_', '-')}-terms/"
                yield f'    for term in client.get("{terms}").json()["results"]:'
                yield f"""        assert client.get(f"{terms}{{term['id']}}/").json() == term"""
                yield f'    assert client.get("{terms}summary/").status_code == 200'


def _rows(table: Table, tables: list[Table]) -> Iterator[int]:
    """Yield the indexes of the samples whose references are among the samples of the other tables."""
    kept = {other: set(_rows(other, tables)) for other in table.references.values()}
    for row in range(min(SAMPLES, table.rows)):
        if all(
            _sample(table, heading, row) in {"", *(_sample(other, other.key[0], each) for each in kept[other])}
            for heading, other in table.references.items()
        ):
            yield row


def _sample(table: Table, heading: str, row: int) -> str:
    return next(column.samples[row] for column in table.columns if column.heading == heading)


def _constant(table: Table) -> str:
    return f"ROWS_OF_{table.name.upper()}"


def _file_name(table: Table) -> str:
    return table.file.path.name


def _text_of(table: Table, rows: list[int]) -> str:
    """Return the code of a file with the header and some *rows*."""
    if table.file.is_json:
        lines = [exact_json.text(table.file.documents[row]) + "\n" for row in rows]
        text = ["[\n", *(line.replace("\n", ",\n") for line in lines[:-1]), *lines[-1:], "]\n"]
    else:
        layout = table.file.layout
        cells = [list(layout.header)] if layout.header else []
        cells += [[column.samples[row] for column in table.columns] for row in rows]
        text = [_csv_line(each, layout.delimiter) for each in cells]
    return literal_of_lines(text)


def _csv_line(cells: list[str], delimiter: str) -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return stream.getvalue()
