"""``manage.py export``: tables, views and summaries as files, written atomically."""

import gzip
import io
import json
import os
import re
import stat
from datetime import date

import openpyxl
import pyarrow.parquet
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from datasets import matviews
from experiments.models import User
from people.models import Person, Place


@pytest.fixture
def people(db):
    for county, births in [("Fife", 2), ("Angus", 1)]:
        town = Place.objects.create(city=f"{county} Town", county=county, country=f"Land of {county}")
        for number in range(births):
            day = date(1850 + 10 * number, 1, 1)
            Person.objects.create(given_name=f"G{number}", family_name=county, date_of_birth=day, place_of_birth=town)


@pytest.fixture
def exported(people, tmp_path):
    """Export to a file, and return its bytes."""

    def exported(*arguments, name="out"):
        path = tmp_path / name
        call_command("export", *arguments, "-o", str(path), verbosity=0)
        return path.read_bytes()

    return exported


@pytest.fixture
def refusal(people, tmp_path):
    """Run an invalid export, and return its message; it must not create the file."""

    def refusal(*arguments, name="out"):
        with pytest.raises(CommandError) as caught:
            call_command("export", *arguments, "-o", str(tmp_path / name), verbosity=0)
        assert not list(tmp_path.glob("*out*"))
        return str(caught.value)

    return refusal


def test_people_of_one_county_as_csv(exported):
    arguments = ["people/people", "--filter", "county_of_birth=Fife", "--columns", "given_name,family_name"]
    assert exported(*arguments) == b"given_name,family_name\nG0,Fife\nG1,Fife\n"
    assert exported(*arguments, "--ordering=-given_name") == b"given_name,family_name\nG1,Fife\nG0,Fife\n"
    assert exported(*arguments, "--search", "G1 Fi") == b"given_name,family_name\nG1,Fife\n"


def test_births_per_country_as_json(exported):
    arguments = [
        "people/people",
        "--by",
        "country_of_birth",
        "--measure",
        "count",
        "--ordering=-count",
        "--format",
        "json",
    ]
    assert json.loads(exported(*arguments)) == [
        {"country_of_birth": "Land of Fife", "count": 2},
        {"country_of_birth": "Land of Angus", "count": 1},
    ]
    matviews.refresh("people")
    view = exported("people/births-by-country", "--ordering", "country", "--format", "ndjson")
    assert view == b'{"country":"Land of Angus","births":1}\n{"country":"Land of Fife","births":2}\n'


def test_a_summary_of_filtered_records(exported):
    arguments = [
        "people/people",
        "--by",
        "date_of_birth:year",
        "--by",
        "family_name",
        "--filter",
        "county_of_birth=Fife",
    ]
    assert exported(*arguments) == b"date_of_birth:year,family_name,count\n1850,Fife,1\n1860,Fife,1\n"
    assert gzip.decompress(exported(*arguments, "--compress", "--format", "ndjson")).count(b"\n") == 2
    assert exported("people/people", "--measure", "max:date_of_birth", "--format", "json") == (
        b'[\n{"max:date_of_birth":"1860-01-01"}\n]\n'
    )
    assert exported("people/people", "--filter", "id=-1", "--by", "family_name", "--format", "json") == b"[]\n"


def test_a_summary_has_the_same_values_in_every_format(exported):
    arguments = ["people/people", "--by", "county_of_birth", "--measure", "count", "--measure", "max:date_of_birth"]
    rows = [("Angus", 1, date(1850, 1, 1)), ("Fife", 2, date(1860, 1, 1))]
    result = [(county, count, day.isoformat()) for county, count, day in rows]
    records = json.loads(exported(*arguments, "--format", "json"))
    assert [tuple(record.values()) for record in records] == result
    assert [json.loads(line) for line in exported(*arguments, "--format", "ndjson").splitlines()] == records
    table = pyarrow.parquet.read_table(io.BytesIO(exported(*arguments, "--format", "parquet")))
    assert list(zip(*table.to_pydict().values(), strict=True)) == rows
    header, *cells = openpyxl.load_workbook(io.BytesIO(exported(*arguments, "--format", "xlsx"))).active.values
    assert header == ("county_of_birth", "count", "max:date_of_birth") and cells == result


def test_the_file_name_selects_the_format(exported):
    assert exported("people/people", name="out.json").startswith(b"[\n{")
    assert exported("people/people", name="out.ndjson").startswith(b'{"id":')
    assert exported("people/people", name="out.parquet").startswith(b"PAR1")
    assert exported("people/people", name="out.xlsx").startswith(b"PK")
    assert exported("people/people", name="out").startswith(b"id,given_name")
    assert gzip.decompress(exported("people/people", name="out.csv.gz")).startswith(b"id,given_name")
    packed = exported("people/people", "--compress", name="out.json.gz")
    assert json.loads(gzip.decompress(packed))[0]["given_name"] == "G0"
    assert exported("people/people", "--format", "csv", name="out.json").startswith(b"id,")


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("arguments", "expected_text"),
    [
        (["people/peple"], "There is no table people/peple. Did you mean people/people? Tables: "),
        (
            ["people"],
            "people is a dataset. Choose one of its tables: people/places, people/people, people/births-by-country.",
        ),
        (["people/people", "--columns", ""], "--columns: Expected a value, found none."),
        (
            ["people/people", "--columns", "givn_name"],
            "--columns: There is no column givn_name. Did you mean given_name?",
        ),
        (["people/people", "--ordering=-birth"], "--ordering: There is no column birth."),
        (["people/people", "--filter", "county=Fife"], "--filter county: Unknown parameter. Filters: "),
        (["people/people", "--filter", "id"], "--filter id: expected NAME=VALUE, such as --filter id=value."),
        (["people/people", "--filter", "id=x"], "--filter id: Expected a whole number, found x."),
        (["people/people", "--filter", "id=1", "--filter", "id=2"], "To match one of several values, use id__in."),
        (["people/people", "--filter", "format=csv"], "format is not a filter."),
        (["people/people", "--by", "countri_of_birth"], "--by: There is no column countri_of_birth."),
        (
            ["people/people", "--measure", "mean:given_name"],
            "--measure: given_name is a column, but mean does not apply to its type.",
        ),
        (["people/people", "--by", "id", "--ordering", "x"], "--ordering: Expected one of id, count; found x."),
        (["people/people", "--by", "id", "--columns", "id"], "--columns does not apply to a summary"),
        (["people/people", "--spreadsheet", "--format", "json"], "--spreadsheet applies only to csv"),
        (["people/people", "--as-user", "olivia"], "--as-user: there is no account olivia."),
        (["people/people", "--format", "xls"], "invalid choice: 'xls'"),
    ],
)
def test_invalid_arguments_are_refused_with_a_message(refusal, arguments, expected_text):
    assert expected_text in refusal(*arguments)


@pytest.mark.only_on("sqlite")
def test_a_name_that_shows_no_format_is_refused(refusal):
    message = refusal("people/people", name="out.txt")
    assert "unknown suffix .txt. Use .csv, .json, .ndjson, .parquet, .xlsx, or --format." in message


@pytest.mark.only_on("sqlite")
def test_the_command_reports_the_written_file(people, tmp_path, capsys):
    call_command("export", "people/people", "-o", str(tmp_path / "out.json"))
    assert re.search(r"out\.json: \d+.bytes of JSON", capsys.readouterr().err)


def test_an_unknown_filter_lists_the_permitted_filters(refusal):
    assert "Filters:" not in refusal("people/people", "--columns", "")
    assert "Filters:" not in refusal("experiments/users", "--filter", "email=")
    message = refusal("experiments/users", "--filter", "nam=U")
    assert "name__icontains" in message and "email" not in message


@pytest.mark.only_on("sqlite")
def test_an_unwritable_path_is_reported(refusal, tmp_path):
    assert "cannot write the file" in refusal("people/people", name="nowhere/out.csv")
    (tmp_path / "folder").mkdir()
    assert "Is a directory" in refusal("people/people", name="folder")


@pytest.mark.only_on("sqlite")
def test_an_existing_file_is_replaced_only_after_a_complete_export(people, tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("before")

    def broken(*arguments, defused):
        yield b"half of "
        assert path.read_text() == "before" and len(list(tmp_path.iterdir())) == 2
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("exports.formats._stream", broken)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("export", "people/people", "-o", str(path))
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.only_on("sqlite")
def test_a_new_file_has_the_default_mode_and_an_existing_one_keeps_its_mode(exported, tmp_path):
    mask = os.umask(0o027)
    try:
        exported("people/people", name="new")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "old").touch(mode=0o600)
    (tmp_path / "link").symlink_to(tmp_path / "old")
    exported("people/people", name="link")
    assert (tmp_path / "link").is_symlink() and stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600


def test_personal_data_are_masked_unless_an_account_may_see_them(exported):
    User.objects.create(user_id=1, name="U", email="alice@example.com", signup_date=date(2023, 5, 1))
    for name, group in [("grace", "Curators"), ("eve", "Analysts"), ("olivia", None)]:
        get_user_model().objects.create_user(name).groups.set(Group.objects.filter(name=group))
    arguments = ["experiments/users", "--columns", "email"]
    masked = b"email,masked_columns\na****@example.com,email\n"
    assert exported(*arguments, name="masked") == masked
    assert exported(*arguments, "--as-user", "eve", name="masked") == masked
    assert (
        exported(*arguments, "--as-user", "grace", "--filter", "email__icontains=ALICE")
        == b"email\nalice@example.com\n"
    )


def test_users_cannot_filter_by_personal_data_that_they_cannot_see(refusal):
    get_user_model().objects.create_user("olivia")
    get_user_model().objects.create_user("gone", is_active=False, is_superuser=True)
    for arguments in (["--filter", "email=a@example.com"], ["--ordering", "email"], ["--by", "email"]):
        assert "needs the permission experiments.view_email." in refusal("experiments/users", *arguments)
    assert "olivia may not view users." in refusal("experiments/users", "--as-user", "olivia")
    assert "the account gone is not active" in refusal("experiments/users", "--as-user", "gone")
    assert "Did you mean olivia?" in refusal("experiments/users", "--as-user", "olvia")


def test_standard_output_has_only_the_file(people, manage):
    process = manage("export", "people/people", "--columns", "given_name", "-o", "-")
    out, error = process.communicate()
    assert (process.returncode, out, error) == (0, "given_name\nG0\nG1\nG0\n", "")
    process = manage("export", "people/people", "--columns", "given_nam", "-o", "-")
    out, error = process.communicate()
    assert process.returncode == 1 and out == "" and error.startswith("CommandError: --columns:")


def test_a_database_without_tables_is_reported(manage, tmp_path):
    process = manage("export", "people/people", "-o", str(tmp_path / "x"), DATABASE_URL=f"sqlite:///{tmp_path}/none")
    _, error = process.communicate()
    assert process.returncode == 1 and "The database is not available" in error and "Traceback" not in error
    assert not (tmp_path / "x").exists()
