"""Command-line arguments: invalid ones are refused with a message, and --report writes the report."""

import json

import pytest
from django.core.management import CommandError, call_command

from imports.engine.locks import ImportLockedError
from imports.models import ImportRun

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"


@pytest.fixture
def folder(write):
    write("all/people.csv", PEOPLE)
    return write("all/places.csv", PLACES).parent


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--as", ""], '--as "": expected the name of an earlier file, such as places.csv.'),
        (["--as", "  "], '--as "  ": expected the name of an earlier file, such as places.csv.'),
        (["--as", "x" * 256], "--as: expected at most 255 characters (found 256)."),
        (["--encoding", ""], 'There is no text encoding ""'),
        (["--report", ""], "argument --report: expected a file name, found an empty string"),
        ([""], "argument FILE: expected a file name, found an empty string"),
        (["/dev/null"], "/dev/null is neither a file nor a folder."),
        (["--delete-most"], "--delete-most requires --delete-missing, which deletes missing records."),
        (["--report", "/proc/report.json"], "--report /proc/report.json cannot be written: "),
    ],
)
def test_an_invalid_argument_is_refused_before_the_import(write, refused, rows, arguments, sentence):
    assert sentence in refused("people", write("places.csv", PLACES), *arguments)
    assert rows("SELECT * FROM places") == []


def test_a_report_on_standard_output_puts_the_summary_on_standard_error(folder, manage, tmp_path):
    process = manage("import_people", folder, "--report", "-")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["status"] == "applied" and "people applied in" in err
    process = manage("import_people", tmp_path / "nowhere.csv", "--report", "-")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert json.loads(out)["status"] == "failed" and "does not exist. Expected a file or a folder." in err


def test_as_needs_exactly_one_file(folder, refused):
    assert refused("people", folder, "--as", "people.csv") == (
        "2 files were given, but “new version of” people.csv applies to a single file. Import the files one by one. "
        "On the command line: --as NAME."
    )


def test_a_report_needs_an_existing_folder_and_a_file_name(folder, refused, rows, tmp_path):
    sentence = refused("people", folder, "--report", tmp_path / "nowhere/report.json")
    assert sentence == f"--report {tmp_path}/nowhere/report.json: the folder {tmp_path}/nowhere does not exist."
    assert "is a folder. Expected a file name" in refused("people", folder, "--report", tmp_path)
    assert rows("SELECT * FROM import_runs") == []


def test_a_report_does_not_overwrite_an_imported_file(folder, refused, rows):
    sentence = refused("people", folder / "places.csv", "--report", folder / "../all/places.csv")
    assert sentence.endswith("places.csv is one of the files to import. Expected another file, such as report.json.")
    assert (folder / "places.csv").read_text() == PLACES
    assert rows("SELECT * FROM import_runs") == []


def test_a_report_is_not_written_to_a_folder_of_imported_files(write, refused):
    folder = write("mice/ecephys_1/subject.json", '{"subject_id": "1"}').parents[1]
    assert refused("subjects", folder, "--report", folder / "subject.json") == (
        f"--report {folder}/subject.json is in the imported folder {folder}, and its name matches subjects, so the "
        "next import would read it. Expected another folder or another name, such as report.txt."
    )
    sentence = refused("subjects", folder, "--pattern", "r*.json", "--report", folder / "report.json")
    assert "next import would read it" in sentence
    assert [path.name for path in folder.iterdir()] == ["ecephys_1"]
    call_command("import_subjects", folder, "--report", folder / "report.txt", verbosity=0)
    assert json.loads((folder / "report.txt").read_text())["status"] == "applied"


def test_an_unusable_media_folder_is_reported_with_a_message(folder, refused, settings, rows):
    settings.MEDIA_ROOT = folder / "places.csv"
    sentence = refused("people", folder)
    assert "Not a directory" in sentence and "Nothing was imported" in sentence and "MEDIA_ROOT" in sentence
    assert rows("SELECT * FROM places") == []


def test_a_cell_in_a_message_is_shortened_and_has_no_control_characters(write, capsys, rows):
    cells = ["\x1b[31mred\n" + "x" * 250, "y" * 5000]
    path = write("places.csv", "city,county,country\n" + "".join(f'"{cell}",,Scotland\n' for cell in cells))
    call_command("import_people", path)
    output = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  places, places.csv line ")]
    assert [len(line) < 500 and line.isprintable() for line in output] == [True, True]
    assert 'line 2: city "<U+001B>[31mred<U+000A>xxx' in output[0] and "is too long (259 characters)" in output[0]
    assert "is too long (5000 characters)" in output[1] and "county is missing" in output[1]
    assert rows("SELECT * FROM places") == []


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "4000"])
def test_the_interval_of_a_worker_is_bounded(transactional_db, seconds):
    with pytest.raises(CommandError, match="must be more than 0 and at most 3600 seconds"):
        call_command("worker", "--interval", seconds, "--batch")


def test_a_refused_import_does_not_report_the_run_of_another_process(folder, monkeypatch, tmp_path, db):
    def locked(dataset, *arguments):
        ImportRun.objects.create(dataset=dataset, notes=["The note of another run."])
        raise ImportLockedError("Another import of people is running.")

    monkeypatch.setattr("imports.command_run.import_files", locked)
    with pytest.raises(CommandError, match="Another import of people is running"):
        call_command("import_people", str(folder), report=tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["run"], report["notes"], report["error"]) == (None, [], "Another import of people is running.")
