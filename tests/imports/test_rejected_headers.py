"""Rejected rows with odd headings: equal, empty, or formulas."""

import csv
import io
import json

import pytest

from imports.models import ImportRun, RejectedRow

pytestmark = pytest.mark.only_on("sqlite")

HEADER = ["given_name", "note", "=1+1", "date_of_birth", "note", "", "family_name", "", "place_of_birth", "'=x"]
ROW = ["Ann", "first", "f", "soon", "second", "e1", "Mac", "e2", "Kelso", "x"]


def text(*rows):
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


@pytest.fixture
def taken(client, django_user_model, importing, write):
    """Import a file with an invalid row; return a function that downloads its rejected rows from page or API."""
    client.force_login(django_user_model.objects.create_superuser("root"))
    importing("people", write("places.csv", "city,county,country\nKelso,b,c\n"))
    importing("people", write("people.csv", text(HEADER, ROW)))

    def taken(door):
        run = ImportRun.objects.order_by("pk").last()
        file = run.files.get(source="people")
        address = {
            "admin": f"/admin/imports/importrun/file/{file.pk}/rejected/",
            "api": f"/api/imports/{run.pk}/rejections/?file={file.pk}&format=csv",
            "ndjson": f"/api/imports/{run.pk}/rejections/?file={file.pk}&format=ndjson",
        }[door]
        answer = client.get(address)
        assert answer.status_code == 200, answer.content
        return run, answer.getvalue().decode("utf-8-sig")

    return taken


def test_both_cells_under_two_equal_headings_are_kept(taken):
    (row,) = RejectedRow.objects.all()
    assert row.values == {
        "given_name": "Ann",
        "note": "first",
        "=1+1": "f",
        "date_of_birth": "soon",
        "note (column 5)": "second",
        "": "e1",
        "family_name": "Mac",
        " (column 8)": "e2",
        "place_of_birth": "Kelso",
        "'=x": "x",
    }
    header, cells = csv.reader(io.StringIO(taken("api")[1]))
    assert header[: len(HEADER)] == HEADER and cells[: len(ROW)] == ROW
    document = json.loads(taken("ndjson")[1])
    assert (document["note"], document["note (column 5)"]) == ("first", "second")


def test_headings_with_a_formula_are_escaped_and_restored(taken, importing, write):
    run, rows = taken("admin")
    header, cells = csv.reader(io.StringIO(rows))
    assert header[: len(HEADER)] == [{"=1+1": "'=1+1", "'=x": "''=x"}.get(name, name) for name in HEADER]
    assert not any(name.startswith(("=", "+", "-", "@", "\t", "\r")) for name in header)
    report = importing("people", write(f"people.csv.rejected-{run.pk}.csv", rows))
    assert report["rejections"][0]["values"]["=1+1"] == "f"
    _, again = taken("admin")
    assert next(csv.reader(io.StringIO(again)))[: len(HEADER)] == header[: len(HEADER)]
    fixed = text(header, ["1900-01-01" if cell == "soon" else cell for cell in cells])
    report = importing("people", write(f"people.csv.rejected-{run.pk}.csv", fixed))
    assert report.counts["people"] == {"read": 1, "created": 1}


def test_rows_rejected_by_the_tables_keep_both_cells(taken, importing, write, rows):
    importing("people", write("people.csv", text(HEADER, [*ROW[:3], "1900-01-01", *ROW[4:8], "Nowhere", "x"])))
    values = RejectedRow.objects.order_by("pk").last().values
    assert (values["note"], values["note (column 5)"]) == ("first", "second")


def test_rejected_rows_of_an_export_of_documents_are_a_table(importing, write, client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))
    importing(
        "subjects", write("subjects.csv", "subject_id,sex,species,genotype\n1,Female,Mus musculus,wt\n2,neither,,\n")
    )
    run = ImportRun.objects.get()
    answer = client.get(f"/admin/imports/importrun/file/{run.files.get().pk}/rejected/")
    header, row = csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert header[:4] == ["subject_id", "sex", "species", "genotype"] and row[:2] == ["2", "neither"]
