"""A file whose rows are mostly rejected: the import stops, the first rejected rows are stored, the rest is counted."""

import json

import pytest
from django.core.management import CommandError, call_command

from imports.engine import mostly_rejected, rejections
from imports.models import ImportRun, RejectedRow, SourceFile
from people.models import Person

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
GOOD, BAD, OPEN = "Ann,Mac,1901-02-03,Kelso\n", "Ann,Mac,soon,Kelso\n", '"Ann,Mac,1901-02-03,Kelso\n'


@pytest.fixture
def first_500(monkeypatch):
    """Keep 500 rejected rows instead of 10,000, for smaller files."""
    for module in (mostly_rejected, rejections):
        monkeypatch.setattr(module, "FIRST", 500)


def stopped(name: str, rejected: int, read: int, rest: int, line: int, first: int = 10_000) -> str:
    more = f"Lines after line {line:,} that were not checked: {rest:,}. " if rest else ""
    return (
        f"{name}: {rejected:,} of {read:,} rows were rejected, more than 50%, so the import was stopped. {more}The "
        f"report lists the first {first:,} rejected rows. Nothing was imported. Fix the file, or import it into the "
        "right dataset."
    )


def test_a_file_whose_rows_mostly_fail_is_stopped_and_the_rest_counted(write, importing, refused):
    importing("people", write("places.csv", PLACES))
    message = refused("people", write("people.csv", HEADER + BAD * 120_000 + GOOD * 300_000))
    file = SourceFile.objects.latest("pk")
    assert message == stopped("people.csv", file.rejected, file.read, 420_001 - (file.read + 1), file.read + 1)
    assert 10_000 < file.rejected <= file.read < 420_000
    assert RejectedRow.objects.filter(file=file).count() == 10_000
    assert RejectedRow.objects.order_by("-line").first().line == 10_001  # the first ones
    run = ImportRun.objects.latest("pk")
    assert (run.status, run.error) == ("failed", message) and not Person.objects.exists()


@pytest.mark.only_on("sqlite")
def test_a_file_that_opens_a_quote_on_each_line_is_refused(write, importing, refused, first_500):
    importing("people", write("places.csv", PLACES))
    message = refused("people", write("people.csv", HEADER + OPEN * 150_000))
    assert "rows were rejected, more than 50%" in message and "were not checked" in message
    assert RejectedRow.objects.count() == 500


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("before", ["", HEADER], ids=["from its first byte", "after its header"])
def test_a_file_of_one_open_quote_is_refused(write, refused, importing, before):
    path = write("people.csv", before + '"' + "a" * 30_000_000)
    if not before:
        assert "found a row that cannot be read" in refused("people", path)
        return
    report = importing("people", path)
    assert report.counts == {"people": {"read": 1, "rejected": 1}}
    assert len(json.dumps(report)) < 20_000


@pytest.mark.only_on("sqlite")
def test_a_file_with_as_many_rejections_and_more_good_rows_is_imported(write, importing, first_500):
    importing("people", write("places.csv", PLACES))
    report = importing("people", write("people.csv", HEADER + (GOOD + BAD) * 600))
    assert report.counts["people"] == {"read": 1_200, "created": 600, "rejected": 600}


@pytest.mark.only_on("sqlite")
def test_the_share_is_a_setting(write, importing, refused, settings, first_500):
    importing("people", write("places.csv", PLACES))
    path = write("people.csv", HEADER + (GOOD + GOOD + BAD) * 600)
    settings.REJECTED_PERCENT = 30
    assert "600 of 1,800 rows were rejected, more than 30%" in refused("people", path)
    settings.REJECTED_PERCENT = 100
    assert importing("people", path).counts["people"]["rejected"] == 600


def test_rows_that_only_the_tables_can_reject_count_as_well(write, refused, first_500):
    """No place exists: each row is readable, but rejected."""
    message = refused("people", write("people.csv", HEADER + GOOD * 600))
    assert message == stopped("people.csv", 600, 600, 0, 0, first=500)
    assert RejectedRow.objects.count() == 500


@pytest.mark.only_on("sqlite")
def test_documents_that_mostly_fail_are_stopped_as_well(write, refused, first_500):
    message = refused("subjects", write("subject.json", '{"subject_id": null}\n' * 600))
    assert "600 of 600 rows were rejected, more than 50%" in message
    assert RejectedRow.objects.count() == 500


def test_a_rejected_row_is_stored_in_a_bounded_size(write, importing, tmp_path):
    importing("people", write("places.csv", PLACES))
    long = "x" * 900_000
    report = importing("people", write("people.csv", HEADER + f"Ann,{long},soon,Kelso\nBob,Mac,soon,{'y' * 2_000}\n"))
    (first, second) = report["rejections"]
    assert len(json.dumps(first)) < 20_000 and first["values"].startswith("Ann,xxx")
    assert first["values"].endswith("… (900,015 characters in total)")
    assert all(
        len(p["value"] or "") < 1_100 and len(p["message"]) < 1_100 for p in first["problems"] + second["problems"]
    )
    assert second["values"]["place_of_birth"] == "y" * 2_000  # a row of a usual size is kept cell by cell


@pytest.mark.only_on("sqlite")
def test_a_shortened_row_cannot_be_fixed_in_the_file_of_rejected_rows(write, importing, staff):
    """In the file of rejected rows, a shortened row has no cells, so that its shortened values cannot be imported."""
    importing("people", write("places.csv", PLACES))
    importing("people", write("people.csv", HEADER + f"Ann,{'x' * 900_000},soon,Kelso\n"))
    file = SourceFile.objects.latest("pk")
    response = staff("view_rejectedrow").get(f"/admin/imports/importrun/file/{file.pk}/rejected/").getvalue().decode()
    header, row = response.splitlines()[:2]
    assert "raw" in header and row.startswith(",,,,2,") and len(row) < 20_000
    again = importing("people", write(f"people.csv.rejected-{file.run_id}.csv", response))
    assert again.counts["people"] == {"read": 1, "rejected": 1} and not Person.objects.exists()


@pytest.mark.only_on("sqlite")
def test_the_command_prints_the_first_of_them(write, importing, capsys, first_500):
    importing("people", write("places.csv", PLACES))
    with pytest.raises(CommandError):
        call_command("import_people", str(write("people.csv", HEADER + BAD * 1_200)), verbosity=0)
    assert "Rejected (500):" in capsys.readouterr().err


def test_a_document_that_is_too_long_is_rejected_and_those_beside_it_are_imported(write, importing, settings, rows):
    settings.DOCUMENT_LIMIT = 1_000
    long, short = json.dumps({"subject_id": "a", "notes": "x" * 1_000}), json.dumps({"subject_id": "b"})
    write("all/one/subject.json", long)
    write("all/two/subject.json", f"{long}\n{short}\n")
    report = importing("subjects", write("all/three/subject.json", '{"subject_id": "c"}').parents[1])
    assert rows("SELECT subject_id FROM subjects ORDER BY 1") == [("b",), ("c",)]
    result = [rejection["problems"][0]["message"] for rejection in report["rejections"]]
    assert len(result) == 2 and all("at most 1,000 bytes, found a longer one" in message for message in result)
    assert len(json.dumps(report["rejections"])) < 2_000
