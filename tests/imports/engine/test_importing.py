"""Imports from file to table, with each file format and with rejected rows."""

import pytest
from django.db import connection

from imports.engine import merge
from imports.models import ImportRun

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Northern Ireland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\nBob,Oak,1950-12-31,Derry\n"
ANN, BOB = ("Ann", "Mac", "1901-02-03", "Kelso"), ("Bob", "Oak", "1950-12-31", "Derry")

STORED = """
    SELECT given_name, family_name, CAST(date_of_birth AS text), city
    FROM people JOIN places ON places.id = place_of_birth_id ORDER BY people.id
"""


@pytest.fixture
def places(write, importing):
    importing("people", write("places.csv", PLACES))


def test_a_folder_is_imported_into_its_tables_parents_first(write, importing, rows):
    write("all/people.csv", PEOPLE)
    report = importing("people", write("all/places.csv", PLACES).parent)
    assert report["status"] == "applied"
    assert report.counts == {"places": {"read": 2, "created": 2}, "people": {"read": 2, "created": 2}}
    assert rows("SELECT city, county, country FROM places ORDER BY city") == [
        ("Derry", "Derry", "Northern Ireland"),
        ("Kelso", "Roxburghshire", "Scotland"),
    ]
    assert rows(STORED) == [ANN, BOB]


def test_importing_twice_changes_nothing_and_writes_nothing(write, importing, whole):
    write("all/people.csv", PEOPLE)
    folder = write("all/places.csv", PLACES).parent
    importing("people", folder)
    before = whole("places"), whole("people")
    report = importing("people", folder)
    assert report.counts == {"places": {"read": 2, "unchanged": 2}, "people": {"read": 2, "unchanged": 2}}
    assert (whole("places"), whole("people")) == before


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    "content",
    {
        "with a BOM": "\ufeff" + PEOPLE,
        "with CRLF": PEOPLE.replace("\n", "\r\n"),
        "with CR": PEOPLE.replace("\n", "\r"),
        "without a last line's end": PEOPLE.rstrip("\n"),
        "with blank lines": "\n\n" + PEOPLE.replace("\n", "\n\n \t\n"),
        "with semicolons": PEOPLE.replace(",", ";"),
        "with tabs": PEOPLE.replace(",", "\t"),
        "with a comma and a tab": PEOPLE.replace(",", ",\t"),
        "with spaces around cells": PEOPLE.replace(",", "  ,\t "),
        "with quoted cells": '"' + PEOPLE.rstrip("\n").replace(",", '" , "').replace("\n", '"\n"') + '"\n',
        "with another header": PEOPLE.replace("given_name,family_name,date", " Given-Name,FAMILY.NAME,Date"),
        "with other columns": "".join(f"x,{line},y\n" for line in PEOPLE.splitlines()),
        "with columns in another order": "".join(
            ",".join(reversed(line.split(","))) + "\n" for line in PEOPLE.splitlines()
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_each_format_has_the_same_rows(places, write, importing, rows, content):
    importing("people", write("people.csv", content[1]))
    assert rows(STORED) == [ANN, BOB]


def test_another_format_of_the_same_rows_changes_nothing(places, write, importing):
    importing("people", write("people.csv", PEOPLE))
    mixed = (
        "place_of_birth;Given.Name;family_name;date_of_birth\r\nKelso;Ann;\tMac;1901-02-03\r\nDerry;Bob;Oak;1950-12-31"
    )
    report = importing("people", write("people.csv", mixed))
    assert report.counts == {"people": {"read": 2, "unchanged": 2}}


def test_unknown_columns_are_reported_and_skipped(places, write, importing, rows):
    content = "".join(f"{line},{more}\n" for line, more in zip(PEOPLE.splitlines(), ["Shoe Size", 42, 43], strict=True))
    report = importing("people", write("people.csv", content))
    assert rows(STORED) == [ANN, BOB]
    assert report["sources"][0]["files"][0]["unknown_columns"] == ["Shoe Size"]
    assert "people.csv: unknown columns ignored: Shoe Size." in report["notes"]


def test_names_in_any_script_are_stored_exactly(places, write, importing, rows):
    names = ["José", "Ελένη", "ნინო", "Þóra", "Анна", "é", "𝔄𝔫𝔫", "O'Hara", "Ann \\N", 'An"n', "\\."]
    cells = [name.replace('"', '""') for name in names]
    content = PEOPLE.splitlines()[0] + "\n" + "".join(f'"{cell}",Mac,1901-02-03,Kelso\n' for cell in cells)
    importing("people", write("people.csv", content))
    assert rows("SELECT given_name FROM people ORDER BY changed_line") == [(name,) for name in names]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("row", "values", "problem"),
    [
        (b"Eve,Mac,1901-02-03", "Eve,Mac,1901-02-03", "Expected 4 cells, found 3."),
        (b"Eve,Mac,1901-02-03,Kelso,5", "Eve,Mac,1901-02-03,Kelso,5", "Expected 4 cells, found 5."),
        (b'Eve,"Mac,1901-02-03,Kelso', 'Eve,"Mac,1901-02-03,Kelso', "quote"),
        (b"Eve,M\0c,1901-02-03,Kelso", "Eve,M␀c,1901-02-03,Kelso", "NUL"),
    ],
    ids=["too few cells", "too many cells", "an open quote", "a NUL byte"],
)
def test_a_malformed_row_is_rejected_and_the_rest_imported(places, write, importing, rows, row, values, problem):
    head, ann, bob = PEOPLE.encode().splitlines(keepends=True)
    report = importing("people", write("people.csv", head + ann + row + b"\n" + bob))
    assert rows(STORED) == [ANN, BOB]
    assert report.counts == {"people": {"read": 3, "created": 2, "rejected": 1}}
    (rejection,) = report["rejections"]
    assert (rejection["line"], rejection["values"]) == (3, values)
    assert problem in rejection["problems"][0]["message"]


def test_a_bad_row_is_rejected_with_its_values_and_the_rest_imported(places, write, importing, rows):
    report = importing("people", write("people.csv", PEOPLE + "Eve,Mac,soon,Kelso\n"))
    assert rows(STORED) == [ANN, BOB]
    assert report["rejections"] == [
        {
            "source": "people",
            "file": "people.csv",
            "line": 4,
            "values": {
                "given_name": "Eve",
                "family_name": "Mac",
                "date_of_birth": "soon",
                "place_of_birth": "Kelso",
            },
            "problems": [
                {
                    "column": "date_of_birth",
                    "value": "soon",
                    "message": "is not a date written year-month-day, such as 1984-03-01",
                }
            ],
        }
    ]
    assert rows("SELECT line FROM rejected_rows") == [(4,)]


def test_a_row_with_an_unknown_place_is_rejected(places, write, importing, rows):
    report = importing("people", write("people.csv", PEOPLE + "Eve,Mac,1901-02-03,Atlantis\n"))
    assert rows(STORED) == [ANN, BOB]
    assert report.problems == [("people", 4, ("place_of_birth", "Atlantis"))]
    assert "refers to an unknown place" in report["rejections"][0]["problems"][0]["message"]


def test_a_file_of_rejected_rows_changes_nothing(places, write, importing, rows):
    report = importing("people", write("people.csv", PEOPLE.splitlines()[0] + "\nAnn,Mac,soon,Kelso\nBob\n"))
    assert report["status"] == "applied"
    assert report.counts == {"people": {"read": 2, "rejected": 2}}
    assert rows(STORED) == []


def test_a_file_with_only_a_header_changes_nothing(places, write, importing):
    report = importing("people", write("people.csv", PEOPLE.splitlines()[0] + "\n"))
    assert (report["status"], report.counts) == ("applied", {"people": {}})


def test_a_strict_import_with_a_rejected_row_changes_nothing(places, write, refused, rows):
    sentence = refused("people", write("people.csv", PEOPLE + "Eve,Mac,soon,Kelso\n"), "--strict")
    assert sentence.startswith("1 row was rejected, and a strict import stops if any row is rejected. Nothing was ")
    assert rows(STORED) == []
    run = ImportRun.objects.first()
    assert (run.status, f"{run.error} On the command line: --strict.") == ("failed", sentence)
    assert rows("SELECT line FROM rejected_rows") == [(4,)]


def test_a_strict_import_of_valid_rows_is_applied(places, write, importing, rows):
    assert importing("people", write("people.csv", PEOPLE), "--strict")["status"] == "applied"
    assert rows(STORED) == [ANN, BOB]


def test_the_tables_of_a_dataset_are_applied_together(write, refused, rows):
    write("all/people.csv", PEOPLE + "Eve,Mac,1901-02-03,Atlantis\n")
    refused("people", write("all/places.csv", PLACES).parent, "--strict")
    assert rows("SELECT * FROM places") == []


def test_a_view_is_up_to_date_after_an_import(write, importing, rows):
    write("all/people.csv", PEOPLE)
    importing("people", write("all/places.csv", PLACES).parent)
    assert sorted(rows("SELECT country, births FROM births_by_country")) == [("Northern Ireland", 1), ("Scotland", 1)]


RESPONDENTS = """\
39, State-gov, 77516, Bachelors, 13, Never-married, Sales, Unmarried, White, Male, 2174, 0, 40, Peru, <=50K
50, ?, 83311, Masters, 14, Divorced, ?, Wife, Black, Female, 0, 0, 13, ?, >50K.
39, State-gov, 77516, Bachelors, 13, Never-married, Sales, Unmarried, White, Male, 2174, 0, 40, Peru, <=50K
"""
ANSWERS = """
    SELECT age, w.name, fnlwgt, e.name, e.years, c.name, CASE WHEN income_over_50k THEN 1 ELSE 0 END, changed_line
    FROM respondents r LEFT JOIN workclasses w ON w.id = workclass_id JOIN education_levels e ON e.id = education_id
    LEFT JOIN countries c ON c.id = native_country_id ORDER BY changed_line
"""


@pytest.mark.parametrize("large", [False, True], ids=["as a small file", "as a large file"])
def test_both_ways_to_write_respondents_give_the_same_table(write, importing, rows, monkeypatch, large):
    if large:
        monkeypatch.setattr(merge, "MANY_BYTES", 0)
        monkeypatch.setattr(merge, "MANY_ROWS", 0)
    report = importing("census", write("adult.data", RESPONDENTS + "old, ?\n"))
    assert report.counts == {"respondents": {"read": 4, "created": 3, "rejected": 1}}
    assert rows(ANSWERS) == [
        (39, "State-gov", 77516, "Bachelors", 13, "Peru", 0, 1),
        (50, None, 83311, "Masters", 14, None, 1, 2),
        (39, "State-gov", 77516, "Bachelors", 13, "Peru", 0, 3),
    ]
    assert report["new_terms"]["education_levels"] == ["Bachelors", "Masters"]
    assert importing("census", write("adult.data", RESPONDENTS)).counts["respondents"] == {"read": 3, "unchanged": 3}
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, "respondents")
    assert constraints["respondents_identity_unique"]["unique"]


INDEXES = {
    "postgresql": """
        SELECT pg_get_indexdef(indexrelid), pg_get_constraintdef(c.oid) FROM pg_index
        LEFT JOIN pg_constraint c ON conindid = indexrelid WHERE indrelid = 'respondents'::regclass ORDER BY 1
    """,
    "sqlite": "SELECT sql FROM sqlite_master WHERE tbl_name = 'respondents' ORDER BY 1",
}


@pytest.mark.parametrize("depends", [False, True], ids=["nothing depends", "a view depends"])
def test_a_large_first_import_creates_the_same_indexes_again(write, importing, rows, execute, monkeypatch, depends):
    monkeypatch.setattr(merge, "MANY_BYTES", 0)
    monkeypatch.setattr(merge, "MANY_ROWS", 0)
    if depends:  # on PostgreSQL, such a view depends on the primary key
        execute("CREATE VIEW ages AS SELECT id, age FROM respondents GROUP BY id")
    before = rows(INDEXES[connection.vendor])
    try:
        importing("census", write("adult.data", RESPONDENTS))
    finally:
        if depends:
            execute("DROP VIEW ages")
    assert rows(INDEXES[connection.vendor]) == before
    assert rows("SELECT count(DISTINCT id) FROM respondents") == [(3,)]


def test_large_files_are_complete_and_have_unique_identities(places, write, importing, rows):
    header = PEOPLE.splitlines()[0]
    people = "".join(f"G{n},F{n % 7},{1850 + n % 100}-01-{1 + n % 28:02},Kelso\n" for n in range(12_000))
    assert importing("people", write("people.csv", f"{header}\n{people}")).counts["people"]["created"] == 12_000
    assert rows("SELECT count(*), count(DISTINCT identity), max(changed_line) FROM people") == [
        (12_000, 12_000, 12_001)
    ]
    with connection.cursor() as cursor:
        assert connection.introspection.get_constraints(cursor, "people")["people_identity_unique"]["unique"]


def test_several_files_of_one_source_are_applied_together(places, write, importing, rows):
    header = PEOPLE.splitlines()[0]
    first = write("people_1.csv", f"{header}\nAnn,Mac,1901-02-03,Kelso\n")
    two = write("people_2.csv", f"{header}\nAnn,Mac,1901-02-03,Kelso\nBob,Oak,1950-12-31,Derry\n")
    report = importing("people", first, two)
    assert report.counts == {"people": {"read": 3, "created": 3}}
    assert [(f["file"], f["created"]) for f in report["sources"][0]["files"]] == [
        ("people_1.csv", 1),
        ("people_2.csv", 2),
    ]
    assert rows(STORED) == [ANN, ANN, BOB]
    assert importing("people", two, first).counts == {"people": {"read": 3, "unchanged": 3}}


def test_a_many_to_many_field_is_one_field_of_its_record(write, importing, rows, whole):
    write("all/users.csv", "user_id,name,email,signup_date\n1,Ann,ann@example.org,2024-01-01\n")
    write("all/compounds.csv", "compound_id,compound_name,compound_structure\n1,A,H\n2,B,He\n3,C,Li\n")
    experiments = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n"
    folder = write("all/user_experiments.csv", experiments + "1,1,3;1;3,10\n2,1,2,20\n").parent
    importing("experiments", folder)
    uses = "SELECT experiment_id, compound_id FROM user_experiment_compounds ORDER BY 1, 2"
    assert rows(uses) == [(1, 1), (1, 3), (2, 2)]

    before = [row for row in whole("user_experiments")]
    again = importing("experiments", write("user_experiments.csv", experiments + "1,1,1;3,10\n2,1,2;3,20\n"))
    assert again.counts == {"user_experiments": {"read": 2, "updated": 1, "unchanged": 1}}
    assert rows(uses) == [(1, 1), (1, 3), (2, 2), (2, 3)]
    assert len(set(before) & set(whole("user_experiments"))) == 1
    assert rows("SELECT experiment_id, created_line, changed_line FROM user_experiments ORDER BY 1") == [
        (1, 2, 2),
        (2, 3, 3),
    ]
