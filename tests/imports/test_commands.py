"""Import commands: options, reports, exit codes, and one-sentence error messages."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\nEve,Elm,soon,Derry\n"


@pytest.fixture
def folder(write):
    write("all/people.csv", PEOPLE)
    return write("all/places.csv", PLACES).parent


@pytest.fixture
def output_lines(transactional_db):
    """Run a command that succeeds; return its lines."""

    def output_lines(name: str, *arguments) -> list[str]:
        out = io.StringIO()
        call_command(name, *map(str, arguments), stdout=out)
        return out.getvalue().splitlines()

    return output_lines


def test_an_applied_run_exits_with_0_and_shows_its_rejections(folder, manage, rows):
    process = manage("import_people", folder)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    first, *rest, last = out.splitlines()
    assert " of people applied in " in first and last.startswith("births_by_country: refreshed in ")
    assert rest == [
        "  places (places.csv): 2 read, 2 created, 0 updated, 0 unchanged",
        "  people (people.csv): 2 read, 1 created, 0 updated, 0 unchanged, 1 rejected",
        "Rejected (1):",
        '  people, people.csv line 3: date_of_birth "soon" is not a date written year-month-day, such as 1984-03-01',
    ]
    assert rows("SELECT given_name FROM people") == [("Ann",)]


def test_a_failed_run_exits_with_1_and_a_message(folder, manage, rows):
    process = manage("import_people", folder, "--strict")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.splitlines()[-1].startswith(
        "CommandError: 1 row was rejected, and a strict import stops if any row is rejected."
    )
    assert '  people, people.csv line 3: date_of_birth "soon"' in err
    assert "Traceback" not in err
    assert rows("SELECT * FROM places") == []


def test_a_missing_file_exits_with_1_and_a_message(tmp_path, manage):
    process = manage("import_people", tmp_path / "nothing.csv")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err == f"CommandError: {tmp_path / 'nothing.csv'} does not exist. Expected a file or a folder.\n"


def test_a_database_without_tables_exits_with_1_and_says_what_to_type(folder, tmp_path, manage):
    process = manage("import_people", folder, DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("CommandError: The database is not available: no such table: import_runs.")
    assert err.endswith("run: python manage.py migrate\n") and "Traceback" not in err


def test_without_files_the_configured_folder_is_imported(write, importing, settings):
    settings.SOURCES_DIR = write("sources/people/places.csv", PLACES).parents[1]
    assert importing("people").counts == {"places": {"read": 2, "created": 2}}


def test_a_missing_configured_folder_is_named(refused, settings, tmp_path):
    settings.SOURCES_DIR = tmp_path / "nowhere"
    assert refused("people") == f"{tmp_path / 'nowhere' / 'people'} does not exist. Expected a file or a folder."


def test_a_file_is_matched_by_its_name_or_else_by_its_columns(write, importing):
    report = importing("people", write("towns.txt", PLACES), write("PEOPLE-2024.csv", PEOPLE))
    assert [(source["source"], source["file"]) for source in report["sources"]] == [
        ("places", "towns.txt"),
        ("people", "PEOPLE-2024.csv"),
    ]


def test_a_file_that_fits_no_source_is_refused_with_what_each_expects(write, refused):
    path = write("boats.csv", "name,length\nSkua,7\n")
    assert refused("people", path) == (
        f"{path} does not match any source by name or by columns. Expected:\n"
        "  places (places*.csv): city, county, country\n"
        "  people (people*.csv): given_name, family_name, date_of_birth, place_of_birth"
    )


def test_a_folder_without_matching_files_is_refused_with_what_each_source_expects(write, refused):
    folder = write("boats/boats.csv", "name,length\nSkua,7\n").parent
    sentence = refused("people", folder)
    expected = "  places (places*.csv): city,"
    assert sentence.startswith(f"{folder} contains no file that matches a source. Expected:\n{expected}")


def test_files_of_a_folder_that_fit_no_source_are_skipped_and_listed(folder, write, importing):
    write("all/deeper/boats.csv", "name,length\nSkua,7\n")
    hidden = write("all/.hidden/places.csv", "no\n")
    report = importing("people", folder)
    assert report["notes"] == [
        ".hidden was skipped because it is hidden.",
        "boats.csv was skipped because it matches no source.",
    ]
    assert str(hidden) not in json.dumps(report)


@pytest.mark.parametrize("name", ["places.csv", "towns.csv"], ids=["known by its name", "of another name"])
@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        (b"", [], "is empty; expected the columns city, county, country."),
        (b"\n \n\n\n", [], "contains only blank lines; expected the columns city, county, country."),
        (PLACES.replace("Kelso", "Ålesund").encode("cp1252"), [], "line 2, column 1: expected UTF-8, found byte 0xC5"),
        (PLACES.encode(), ["--encoding", "klingon"], 'There is no text encoding "klingon"'),
        (
            PLACES.encode("utf-16"),
            [],
            "specify utf-16 as the encoding of the file. On the command line: --encoding NAME.",
        ),
        (b"PK\x03\x04" + b"x" * 100, [], "the zip archive is damaged or not complete"),
    ],
    ids=["empty", "blank", "not UTF-8", "no such encoding", "UTF-16", "a damaged archive"],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(
    write, refused, rows, name, content, arguments, sentence
):
    message = refused("people", write(name, content), *arguments)
    assert sentence in message and (name in message or "text encoding" in message) and "imports" not in message
    assert rows("SELECT * FROM places") == []


def test_a_file_in_another_encoding_is_imported_when_it_is_named(write, importing, refused, rows):
    path = write("places.csv", PLACES.replace("Kelso", "Ålesund €").encode("cp1252"))
    assert "for example cp1252. On the command line: --encoding NAME." in refused("people", path)
    importing("people", path, "--encoding", "cp1252")
    assert rows("SELECT city, encoding FROM places JOIN source_files f ON f.id = created_in_id ORDER BY city DESC") == [
        ("Ålesund €", "cp1252"),
        ("Derry", "cp1252"),
    ]


def test_a_column_that_is_missing_is_refused_with_what_was_expected_and_found(write, refused):
    path = write("places.csv", "city,land\nKelso,Scotland\n")
    sentence = refused("people", path)
    assert "line 1: the columns county, country are missing. Expected city, county, country" in sentence
    assert 'found "city", "land"' in sentence


def test_files_with_different_columns_must_be_imported_separately(write, refused):
    row = "39, Private, 77516, Bachelors, 13, Divorced, Sales, Wife, White, Male, 0, 0, 40, Peru, <=50K\n"
    names = "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,"
    names += "capital-gain,capital-loss,hours-per-week,native-country,income\n"
    fewer = "\n".join(",".join(line.split(",")[:1] + line.split(",")[2:]) for line in (names + row).splitlines())
    sentence = refused("census", write("adult_1.csv", names + row), write("adult_2.csv", fewer))
    assert "have different columns (workclass). Import them one by one." in sentence


@pytest.mark.both_engines
def test_an_error_of_the_database_is_reported_with_a_message(write, refused, rows, execute):
    execute("CREATE UNIQUE INDEX one_place_a_country ON places (country)")
    try:
        sentence = refused("people", write("places.csv", PLACES + "Perth,Perthshire,Scotland\n"))
    finally:
        execute("DROP INDEX one_place_a_country")
    assert sentence.startswith("Database error: ") and sentence.endswith(". Nothing was imported.")
    assert "unique" in sentence.lower() and "\n" not in sentence
    assert rows("SELECT * FROM places") == []
    assert rows("SELECT status, error FROM import_runs") == [("failed", sentence)]


def test_the_report_has_all_details_of_a_run(folder, importing):
    report = importing("people", folder)
    assert set(report) == {
        *("run", "dataset", "status", "dry_run", "started_at", "finished_at", "error", "reason"),
        *("sources", "new_terms", "notes", "missing", "pairs", "rejections"),
    }
    counts = {"read", "created", "updated", "unchanged", "duplicates", "rejected", "fixed_before", "ignored"}
    counts |= {"missing", "deleted", "kept", "paired"}
    assert [set(source) for source in report["sources"]] == [{"source", "file", "sha256", "files", *counts}] * 2
    assert [set(f) for s in report["sources"] for f in s["files"]] == [
        {"file", "sha256", "unknown_columns", *counts}
    ] * 2
    (rejection,) = report["rejections"]
    assert set(rejection) == {"source", "file", "line", "values", "problems"}
    assert [set(problem) for problem in rejection["problems"]] == [{"column", "value", "message"}]
    assert (report["status"], report["error"], len(report["sources"][0]["sha256"])) == ("applied", "", 64)


def test_an_import_without_a_run_writes_a_report(refused, tmp_path):
    path = tmp_path / "report.json"
    path.write_text("an older report")
    sentence = refused("people", tmp_path / "nowhere.csv", "--report", path)
    report = json.loads(path.read_text())
    assert (report["run"], report["status"], report["error"], report["sources"]) == (None, "failed", sentence, [])


def test_a_failed_run_writes_a_report(folder, refused, tmp_path):
    sentence = refused("people", folder, "--strict", "--report", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["status"], report["error"]) == ("failed", sentence.removesuffix(" On the command line: --strict."))
    assert [(r["source"], r["line"]) for r in report["rejections"]] == [("people", 3)]


def test_a_preview_reports_the_same_and_changes_nothing(folder, importing, write, whole, rows):
    write("all/places.csv", "city,county,country\nKelso,Berwickshire,Scotland\nYork,Yorkshire,England\nBath\n")
    importing("people", write("places.csv", PLACES))
    before = whole("places"), whole("people")
    previewed = importing("people", folder, "--dry-run", "--delete-missing")
    assert (whole("places"), whole("people")) == before
    assert rows("SELECT status FROM import_runs ORDER BY id") == [("applied",), ("previewed",)]
    applied = importing("people", folder, "--delete-missing")
    own = ("run", "status", "dry_run", "started_at", "finished_at")
    assert {k: v for k, v in previewed.items() if k not in own} == {k: v for k, v in applied.items() if k not in own}
    assert applied.counts["places"] == {
        "read": 3,
        "created": 1,
        "updated": 1,
        "rejected": 1,
        "missing": 1,
        "deleted": 1,
    }
    assert (previewed["status"], previewed["dry_run"], applied["status"]) == ("previewed", True, "applied")


def test_a_preview_creates_no_terms(write, importing, rows):
    row = "39, Private, 77516, Bachelors, 13, Divorced, Sales, Wife, White, Male, 0, 0, 40, Peru, <=50K\n"
    report = importing("census", write("adult.data", row), "--dry-run")
    assert report["new_terms"]["countries"] == ["Peru"]
    assert rows("SELECT * FROM countries") == []


def test_a_preview_is_reported_as_a_preview(folder, output_lines):
    assert output_lines("import_people", folder, "--dry-run")[0].endswith("Nothing was changed: this was a preview.")


def test_the_summary_shows_ten_rejections_and_how_many_more(folder, write, output_lines):
    rows = "".join(f"G{n},Mac,soon,Kelso\n" for n in range(12))
    lines = output_lines("import_people", folder, write("people_2.csv", PEOPLE.splitlines()[0] + "\n" + rows))
    assert "  and 3 more; --report FILE lists them all." in lines
    assert sum(" line " in line for line in lines) == 10


def test_the_summary_names_new_missing_and_deleted_records(folder, write, output_lines):
    output_lines("import_people", folder)
    fewer = write("places.csv", "city,county,country\n")
    lines = output_lines("import_people", fewer)
    assert lines[-3:] == [
        "Missing from their source files (2):",
        "  places Kelso, last seen in places.csv on line 2",
        "  places Derry, last seen in places.csv on line 3",
    ]
    lines = output_lines("import_people", fewer, "--delete-missing")
    assert "  places (places.csv): 0 read, 0 created, 0 updated, 0 unchanged, 2 missing, 1 deleted" in lines
    assert "  1 missing record of places not deleted: records of people refer to them." in lines


def test_import_sources_imports_each_dataset_once(write, output_lines, settings, rows):
    settings.SOURCES_DIR = write("sources/people/places.csv", PLACES).parents[1]
    first = output_lines("import_sources")
    assert any(" of people applied in " in line for line in first)
    assert f"census: nothing imported, because the folder {settings.SOURCES_DIR / 'census'} does not exist." in first
    write("sources/people/places.csv", PLACES + "York,Yorkshire,England\n")
    assert not any("people" in line for line in output_lines("import_sources"))
    assert rows("SELECT count(*) FROM places") == [(2,)]


@pytest.mark.both_engines
def test_demo_curator_creates_an_account_once_if_it_is_safe(output_lines, settings, client):
    settings.DEBUG = False
    with pytest.raises(CommandError, match=r"The demo account needs DEBUG on\."):
        call_command("demo_curator")
    settings.DEBUG = True
    if connection.vendor != "sqlite":
        assert output_lines("demo_curator") == [
            "The demo account needs SQLite. To create an account, run: manage.py createsuperuser"
        ]
        return
    (line,) = output_lines("demo_curator")
    assert output_lines("demo_curator") == [line]
    kept = Path(connection.settings_dict["NAME"]).with_name("demo_curator.txt")
    assert kept.stat().st_mode & 0o777 == 0o600
    kept.unlink()
    name, password = line.removeprefix("Sign in at /admin/ as ").split(", password ")
    assert client.post("/sign-in/?next=/admin/", {"username": name, "password": password}).url == "/admin/"
    assert client.get("/admin/").status_code == 200
