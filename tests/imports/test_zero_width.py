"""Zero-width spaces at the ends of texts, and invisible characters in lists and problems."""

import json

import pytest
from django.core.management import call_command

from imports.models import ImportRun
from people.models import Place
from tests.imports.test_invisible_characters import CENSUS, PEOPLE, PLACES, RESPONDENT

pytestmark = pytest.mark.only_on("sqlite")

ZERO_WIDTH = "\u200b\ufeff\u2060"


@pytest.mark.parametrize("before", ["", " ", ZERO_WIDTH, "\u200b \u2060\u00a0\ufeff"])
@pytest.mark.parametrize("after", ["\u200b", f" {ZERO_WIDTH} "])
def test_zero_width_spaces_at_the_ends_of_cells_are_trimmed_like_spaces(write, importing, rows, before, after):
    importing("people", write("places.csv", PLACES))
    importing("people", write("people.csv", PEOPLE))
    importing("census", write("census.csv", f"{CENSUS}{RESPONDENT}\n"))
    cells = [f"{before}{cell}{after}" for cell in PLACES.splitlines()[1].split(",")]
    report = importing("people", write("places.csv", f"city,county,country\n{','.join(cells)}\n"))
    assert report.counts == {"places": {"read": 1, "unchanged": 1}}
    cells = [f"{before}{cell}{after}" for cell in PEOPLE.splitlines()[1].split(",")]
    report = importing("people", write("people.csv", f"{PEOPLE.splitlines()[0]}\n{','.join(cells)}\n"))
    assert report.counts == {"people": {"read": 1, "unchanged": 1}}
    cells = [f"{before}{cell}{after}" for cell in RESPONDENT.split(",")]
    report = importing("census", write("census.csv", f"{CENSUS}{','.join(cells)}\n"))
    assert report.counts == {"respondents": {"read": 1, "unchanged": 1}} and report["new_terms"] == {}


def test_zero_width_spaces_at_the_ends_of_texts_of_documents_are_trimmed(write, importing, rows):
    text = {"subject_id": "\u200b1\ufeff", "species": f"Mus{ZERO_WIDTH}", "genotype": "w\u200bt", "sex": "\u2060Male"}
    importing("subjects", write("s_1/subject.json", json.dumps(text)))
    assert rows("SELECT subject_id, species, genotype, sex FROM subjects") == [("1", "Mus", "w\u200bt", "Male")]


def test_zero_width_spaces_inside_and_joiners_and_direction_marks_at_the_ends_stay(write, importing, rows):
    cells = ("Kel\u200bso", "x\u2060\ufeffy", "\u200dz\u200f")
    importing("people", write("places.csv", f"city,county,country\n{','.join(cells)}\n"))
    assert rows("SELECT city, county, country FROM places") == [cells]


@pytest.mark.parametrize("cell", ["\u200b", "\ufeff", "\u2060 \u200b", "\u200d\u200b"])
def test_a_cell_of_zero_width_spaces_is_rejected_and_not_empty(write, importing, cell):
    report = importing("census", write("census.csv", f"{CENSUS}{RESPONDENT.replace('Private', cell)}\n"))
    assert [row[2][0] for row in report.problems] == ["workclass"] and report["new_terms"] == {}


def test_zero_width_spaces_that_a_curator_types_are_trimmed(db, admin_client):
    typed = {"city": "\u200bKelso\u2060", "county": "Kel\u200bso \ufeff", "country": "Scotland"}
    assert admin_client.post("/admin/people/place/add/", typed).status_code == 302
    assert Place.objects.values_list("city", "county").get() == ("Kelso", "Kel\u200bso")


@pytest.mark.parametrize("typed", ["Kelso\u200b", "\ufeffKelso", "\u2060 Kelso\u00a0\u200b"])
def test_zero_width_spaces_at_the_ends_of_searches_are_trimmed(db, admin_client, typed):
    Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")
    for params in ({"city": typed}, {"city__in": f"{typed},Derry"}, {"search": typed}):
        assert len(admin_client.get("/api/people/places/", params).json()["results"]) == 1, params
    assert admin_client.get("/admin/people/place/", {"q": typed}).context["cl"].result_count == 1
    assert admin_client.get("/api/people/places/", {"city": "\u200b"}).json()["results"] == []


@pytest.mark.parametrize("marker", ["\u200b?", "?\ufeff", "\u2060 ? \u200b"])
def test_a_declared_marker_with_zero_width_spaces_is_the_marker(write, importing, rows, marker):
    report = importing("census", write("census.csv", f"{CENSUS}{RESPONDENT.replace('Private', marker)}\n"))
    assert rows("SELECT workclass_id FROM respondents") == [(None,)]
    assert "workclasses" not in report["new_terms"] and report["notes"] == []


@pytest.mark.parametrize(("marker", "expected"), [("N\u200bA", "N<U+200B>A"), ("\u200d?", "<U+200D>?")])
def test_a_marker_with_format_characters_inside_is_reported(write, importing, marker, expected):
    report = importing("census", write("census.csv", f"{CENSUS}{RESPONDENT.replace('Private', marker)}\n"))
    assert report["notes"][0].startswith(f'respondents: "{expected}" (1 row) in the column workclass may mean a')


@pytest.mark.parametrize("dash", "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")
def test_terms_that_differ_in_their_dashes_are_near_duplicates(write, importing, dash):
    other = f"State{dash}gov"
    text = "".join(RESPONDENT.replace("Private", term) + "\n" for term in ("State-gov", other))
    (note,) = importing("census", write("census.csv", CENSUS + text))["notes"]
    assert note.startswith(f'The new term "{other}" of workclasses is a near-duplicate of "State-gov".')


def test_lists_in_the_terminal_and_on_pages_show_invisible_characters(write, importing, capsys, admin_client):
    path = write("census.csv", CENSUS + RESPONDENT.replace("Private", "Pri\u200bvate"))
    call_command("import_census", path)
    assert "new terms in workclasses: Pri<U+200B>vate\n" in capsys.readouterr().out
    page = admin_client.get(f"/admin/imports/importrun/{ImportRun.objects.get().pk}/change/").text
    assert "1 new term in workclasses</summary><p>Pri&lt;U+200B&gt;vate</p>" in page
    importing("people", write("places.csv", f"{PLACES}De\u200brry,a,b\n"))
    call_command("import_people", write("places.csv", PLACES))
    assert "places De<U+200B>rry, last seen in places.csv on line 3\n" in capsys.readouterr().out


def test_control_characters_in_problems_are_escaped_everywhere(write, capsys, admin_client, importing):
    bad = CENSUS + RESPONDENT.replace("39,", "3\x1b9,").replace("Male", "Ma\x85\x07le")
    report = importing("census", write("census.csv", bad))
    result = {"age": "3<U+001B>9", "sex": "Ma<U+0085><U+0007>le"}
    assert {p["column"]: p["value"] for p in report["rejections"][0]["problems"]} == result
    call_command("import_census", "--dry-run", write("census.csv", bad))
    printed = capsys.readouterr().out
    assert 'age "3<U+001B>9"' in printed and 'sex "Ma<U+0085><U+0007>le"' in printed
    body = admin_client.get(f"/api/imports/{report['run']}/rejections/").json()
    assert {p["column"]: p["value"] for p in body["results"][0]["problems"]} == result
    page = admin_client.get(f"/admin/imports/importrun/{report['run']}/change/?tab=rejected").text
    assert "3&lt;U+001B&gt;9" in page and "Ma&lt;U+0085&gt;&lt;U+0007&gt;le" in page and "\x1b" not in page
