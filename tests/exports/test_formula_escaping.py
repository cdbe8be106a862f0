"""An import restores escaped formulas exactly, and leaves other files unchanged."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.formats import export
from exports.formula_escaping import defused, restored
from people.models import Person, Place

TEXTS = st.text(st.sampled_from("'=+-@\t\r\n ax,\"é;")) | st.text()


@settings(deadline=None)
@given(st.lists(st.tuples(TEXTS, st.booleans())))
def test_escaped_texts_are_restored_in_rows_that_declare_them(rows):
    texts = [text for text, _ in rows]
    cells = pa.array([defused(text) if marked else text for text, marked in rows], pa.string())
    mark = pa.array(["yes" if marked else "" for _, marked in rows], pa.string())
    assert restored([cells, mark], 1)[0].to_pylist() == texts
    assert restored([mark, cells.dictionary_encode()], 0)[1].to_pylist() == texts


@settings(deadline=None)
@given(TEXTS)
def test_no_spreadsheet_runs_escaped_formulas(text):
    assert not defused(text).startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


NAMES = ["=1+1", "'=x", "''@", "-5", "'quoted'", "plain"]


def test_an_export_for_a_spreadsheet_is_imported_as_it_was(importing, write, rows):
    importing("people", write("places.csv", "city,county,country\n=Kelso,-,+x\n"))
    people = "".join(f"{name},Mac,1900-01-01,=Kelso\n" for name in NAMES)
    importing("people", write("people.csv", f"given_name,family_name,date_of_birth,place_of_birth\n{people}"))
    before = rows("SELECT given_name FROM people ORDER BY id")
    assert before == [(name,) for name in NAMES]

    columns = ["given_name", "family_name", "date_of_birth", "place_of_birth"]
    file = b"".join(export(Person, Person.objects.all(), columns, None, "csv", defused=True))
    assert b"'=1+1" in file and b"''=x" in file
    report = importing("people", write("again/people.csv", file))
    assert report.counts == {"people": {"read": 6, "unchanged": 6}}
    assert any("is a spreadsheet-safe export" in note for note in report["notes"])
    assert not any("unknown columns" in note for note in report["notes"])

    places = b"".join(export(Place, Place.objects.all(), ["city", "county", "country"], None, "csv", defused=True))
    assert importing("people", write("again/places.csv", places)).counts == {"places": {"read": 1, "unchanged": 1}}


def test_a_file_of_another_user_keeps_its_apostrophes(importing, write, rows):
    importing("people", write("places.csv", "city,county,country\n'=Kelso,'-,''\n"))
    assert rows("SELECT city, county, country FROM places") == [("'=Kelso", "'-", "''")]
