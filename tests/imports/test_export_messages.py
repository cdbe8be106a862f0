"""Messages about exports: about their rows, by the export's own line, and about exports that cannot be imported."""

import csv
import json

import pytest
from django.core.management import call_command

from imports.models import ImportRun, RejectedRow
from tests.curation.run_pages import page


@pytest.fixture
def spoilt(write, importing, tmp_path):
    """An export of three sessions with invalid rows: one by itself, one with an unknown reference, one duplicate."""
    for number in "123":
        write(f"data/exp{number}/subject.json", json.dumps({"subject_id": number}))
    importing("subjects", tmp_path / "data")
    path = write("out/sessions.csv", "")
    call_command("export", "subjects/sessions", output=str(path), verbosity=0)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[1]["subject_id"] = "nope"
    rows[2]["document"] = "{bad"
    rows.append(rows[0] | {"document": '{"subject_id": "1", "sex": "Male"}'})
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "more"])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_messages_about_rows_of_an_export_name_the_export_and_its_line(spoilt, importing, admin_client, capsys):
    report = importing("subjects", spoilt)
    assert sorted((r["file"], r["line"]) for r in report["rejections"]) == [("sessions.csv", n) for n in (3, 4, 5)]
    (duplicates,) = [r for r in report["rejections"] if r["line"] == 5]
    assert duplicates["problems"][0]["message"].startswith("is a duplicate key: line 2 has other values")
    assert any(note.startswith("sessions.csv: ") for note in report["notes"])
    call_command("import_subjects", str(spoilt), "--dry-run")
    output = capsys.readouterr()
    for line in (3, 4, 5):
        assert f"sessions, sessions.csv line {line}: " in output.out + output.err
    assert "exp2 line" not in output.out + output.err
    rows = admin_client.get(f"/api/imports/{report['run']}/rejections/").json()["results"]
    assert {(row["name"], row["line"]) for row in rows} == {("sessions.csv", n) for n in (3, 4, 5)}
    output = page(admin_client, ImportRun.objects.get(pk=report["run"]), "rejected")
    assert all(f"sessions.csv, line {line}" in output for line in (3, 4, 5)) and "exp2, line" not in output


def test_rows_of_an_export_belong_to_their_original_files(spoilt, importing):
    run = importing("subjects", spoilt)["run"]
    rows = RejectedRow.objects.filter(file__run=run).order_by("line")
    assert [row.file.name for row in rows] == ["exp2", "exp3", "exp1"]


def test_a_view_with_the_name_of_a_source_gets_the_same_message(transactional_db, refused, tmp_path):
    file = tmp_path / "places.csv"
    call_command("export", "people/births-by-country", "-o", str(file), verbosity=0)
    assert "It is an export of births by country, a summary table derived" in refused("people", file)
