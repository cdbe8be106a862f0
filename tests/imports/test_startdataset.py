"""``manage.py startdataset`` examines whole files, and its code contains text of a file only as literals."""

import ast
import json

import pytest
from django.core.management import CommandError, call_command

from datasets.reserved_names import reserved
from imports.new_dataset.app_files import NewAppError, files_of, write
from imports.new_dataset.names import field_names
from imports.new_dataset.proposal import propose

ROWS = 60


def described(capsys, *files, name="wines", **options):
    """Return the description of each field, by its name, and the lines about the tables."""
    call_command("startdataset", name, *map(str, files), describe=True, **options)
    lines = capsys.readouterr().out.splitlines()
    fields = dict(line.strip().split(": ", 1) for line in lines if line.startswith("  ") and not line.startswith("   "))
    return fields, [line for line in lines if not line.startswith(" ")]


def csv_of(tmp_path, columns, name="wine.csv", rows=ROWS):
    """Write a file of *columns*: headings, each with the cells that repeat."""
    lines = [";".join(columns)]
    lines += [";".join(str(cells[row % len(cells)]) for cells in columns.values()) for row in range(rows)]
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


COLUMNS = {
    # heading: cells, start of the description
    "zip": (["01234", "99999"], "text, from"),
    "postcode": (["12345", "99999"], "text, from"),
    "article": (["007", "042", "100"], "text, from"),
    "call": (["+44 20 7946 0018", "(0)30 901820", "030-12345"], "text, from"),
    "year": ([1999, 2004, 2011], "whole number, from"),
    "zero one": ([0, 1], "yes or no, from"),
    "zero one two": ([0, 1, 2], "whole number, from"),
    "answer": (["Y", "N"], "yes or no, from"),
    "answers": (["Y", "N", "?"], "one of a few values, from"),
    "day": (["2003-02-01", "2003-12-31"], "date, from"),
    "german": (["31.12.2003", "01.02.2003"], "date, from"),
    "ambiguous": (["01/02/2003", "11/12/2003"], "text, from"),
    "century": (["31/12/03", "01/02/03"], "text, from"),
    "moment": (["2003-02-01 12:30", "2003-02-02 12:30"], "text, from"),
    "population": (["1,234,567", "12", "950"], "whole number, from"),
    "decimal": (["1,5", "12,25"], "number, from"),
    "unclear": (["1,234", "2,345"], "text, from"),
    "share": (["12.5 %", "7%"], "number, from"),
    "alcohol (% vol)": ([12.5, 13], "number, from"),
    "measured": ([1.5, "NA", 3], "number, may be missing, from"),
    "comment": ([f"comment {n}" for n in range(40)], "text, from"),
    "grape": ([f"grape {n}" for n in range(8)], "term of a vocabulary, from"),
    "colour": (["red", "white"], "one of a few values, from"),
    "empty": ([""], "text, may be missing, from"),
}


def test_types_are_chosen_with_care(tmp_path, capsys):
    path = csv_of(tmp_path, {heading: cells for heading, (cells, _) in COLUMNS.items()})
    fields, tables = described(capsys, path)
    assert tables == [f"{path}: 60 rows of 24 columns, separated by semicolons; table wines"]
    names = field_names(list(COLUMNS), "wine")
    chosen = {heading: fields[name] for heading, name in zip(COLUMNS, names, strict=True)}
    wrong = {
        heading: chosen[heading] for heading, (_, start) in COLUMNS.items() if not chosen[heading].startswith(start)
    }
    assert not wrong
    assert "ambiguous dates" in chosen["ambiguous"] and "ambiguous numbers" in chosen["unclear"]
    assert "leading zeros" in chosen["article"] and "%d.%m.%Y" in chosen["german"]
    assert fields["missing values"] == 'an empty cell, "NA"' and fields["key"].startswith("none")


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"Wine ID": range(ROWS), "rating": [3, 4]}, '"Wine ID" (unique in 60 rows)'),
        ({"country": ["ES", "FR"], "year": [1990 + n // 2 for n in range(ROWS)]}, '"country", "year" (unique together'),
        ({"height": [n / 7 for n in range(ROWS)], "weight": range(100, 400, 5)}, "none"),
        ({"name": ["a"], "weight": [1, 2]}, "none"),
    ],
)
def test_a_key_is_an_identifier_and_not_a_measurement(tmp_path, capsys, columns, key):
    fields, _ = described(capsys, csv_of(tmp_path, columns))
    assert fields["key"].startswith(key)


def test_a_file_refers_to_the_key_of_another_by_its_values(tmp_path, capsys):
    regions = csv_of(tmp_path, {"code": [f"R{n:02}" for n in range(20)], "area": [1.5]}, "regions.csv", 20)
    wines = csv_of(tmp_path, {"wine_id": range(ROWS), "grown_in": [f"R{n:02}" for n in range(9)]}, "wine.csv")
    fields, tables = described(capsys, wines, regions)
    assert fields["grown_in"].startswith('reference, from "grown_in": all values are in regions.csv')
    assert [table.rpartition(" ")[2] for table in tables] == ["wines_regions", "wines_wine"]  # parents first


def test_the_whole_file_is_examined(tmp_path, capsys):
    path = csv_of(tmp_path, {"number": [*range(150_000), "x"]}, rows=150_001)
    assert described(capsys, path)[0]["number"].startswith("text, from")


HOSTILE = [
    'a"quote',
    "it's",
    '"""',
    "back\\slash",
    "{brace} %s %(x)s",
    "\\",
    "é ü ß",
    "Сорт",
    "\u202eevil\u202c",
    "class",
    "save",
    "a__b",
    "x_",
    "objects",
    "count",
    "Count",
    "long " * 100,
    "# comment",
    "${x}",
    "line\nbreak",
    "\U0001f377",
    "123",
    "import os; os.remove('x')",
]


@pytest.mark.parametrize("is_json", [False, True])
def test_text_of_a_file_enters_the_code_only_as_literals(tmp_path, is_json):
    headings = [h for h in HOSTILE if h != "Count"] if is_json else [*HOSTILE, "", "", "again", "again"]
    rows = [[f"{HOSTILE[(row + place) % 3]}{row % 2}" for place in range(len(headings))] for row in range(ROWS)]
    path = tmp_path / f"wi'ne\"{{}}.{'json' if is_json else 'csv'}"
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in headings]
    lines = [",".join(quoted), *(",".join('"' + c.replace('"', '""') + '"' for c in row) for row in rows)]
    documents = [dict(zip(headings, row, strict=True)) for row in rows]
    path.write_text(json.dumps(documents) if is_json else "\n".join(lines), encoding="utf-8")
    (table,) = propose("wines", [path])
    names = [choice.name for choice in table.choices]
    assert len(set(names)) == len(headings) and not any(map(reserved, names))
    for name, text in files_of("wines", [table]).items():
        if not name.endswith(".py"):
            continue
        tree = ast.parse(text)
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not called & {"os.remove", "eval", "exec"} and "os" not in {
            n.id for n in ast.walk(tree) if isinstance(n, ast.Name)
        }
        assert "\u202e" not in text and all(line.isprintable() for line in text.splitlines())
        if name == "wines/sources.py":
            literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            assert {"é ü ß", '"""', "back\\slash", "Сорт"} <= literals
            assert not is_json or {"\u202eevil\u202c", "line\nbreak"} <= literals


@pytest.mark.parametrize(
    "name", ["class", "json", "census", "django", "Wines", "wi-nes", "imports", "_x", "a__b", "x" * 25]
)
def test_an_app_name_that_is_taken_is_refused(tmp_path, name):
    path = csv_of(tmp_path, {"wine_id": range(ROWS)})
    with pytest.raises(CommandError, match=f"{name} cannot be the name of a dataset"):
        call_command("startdataset", name, str(path))


def test_existing_folders_are_not_overwritten(tmp_path):
    (tmp_path / "tests" / "wines").mkdir(parents=True)
    with pytest.raises(NewAppError, match="exists"):
        write(tmp_path, {"wines/models.py": "", "tests/wines/test_import.py": ""})
    assert not (tmp_path / "wines").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [("a,b\n", "rows"), ("", "empty"), ("Title\n\na,b\n1,2\n3,4\n", "Delete lines above"), ("a\n\xff\n", "UTF-8")],
)
def test_a_file_without_a_table_is_refused_with_the_reason(tmp_path, text, problem):
    path = tmp_path / "wine.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CommandError, match=problem):
        call_command("startdataset", "wines", str(path), describe=True)
