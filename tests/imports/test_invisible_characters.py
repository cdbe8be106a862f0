"""Invisible characters in headings, cells, file names and forms."""

import json
import unicodedata

import pytest
from django.core.management import call_command

from people.models import Place

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nZoë,Mac,1901-02-03,Kelso\n"
RESPONDENT = "39,Private,77516,Bachelors,13,Divorced,Sales,Wife,White,Male,0,0,40,Peru,<=50K"
CENSUS = (
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,"
    "capital_gain,capital_loss,hours_per_week,native_country,income\n"
)
SPACES = "\u00a0\u1680\u2003\u2009\u202f\u205f\u3000\u0085\u2028"
FORMATS = "\u200b\ufeff\u00ad\u2060\u200e\u180e\u2066\u3164\ufe0f"


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize("heading", ["{}" + SPACES, SPACES + "{}", "{}" + FORMATS, FORMATS + "{}", "\u2003{}\u200b "])
def test_headings_ignore_spaces_of_any_kind_and_format_characters(write, importing, heading):
    importing("census", write("census.csv", f"{CENSUS}{RESPONDENT}\n"))
    names = CENSUS.strip().split(",")
    for place, name in enumerate(names):
        inside = name.replace("_", "\u00a0\u2003") if place % 2 else f"{name[:2]}\u200b{name[2:]}\u200d"
        names[place] = heading.format(inside)
    report = importing("census", write("census.csv", f"{','.join(names)}\n{RESPONDENT}\n"))
    assert report.counts == {"respondents": {"read": 1, "unchanged": 1}}
    assert report["sources"][0]["files"][0]["unknown_columns"] == report["notes"] == []


def test_two_columns_that_differ_only_in_invisible_characters_are_an_error(write, refused):
    sentence = refused("people", write("places.csv", PLACES.replace("county", "city\u200b,county")))
    assert 'line 1: the column city occurs twice, as "city" and as "city<U+200B>"' in sentence


def test_cells_are_trimmed_of_all_spaces_and_stored_in_nfc(write, importing, rows):
    cells = [SPACES + decomposed("Orléans") + SPACES, f'"\n{SPACES}\tLoiret"', decomposed("Côte d’Ivoire\u00a0")]
    importing("people", write("places.csv", "city,county,country\n" + ",".join(cells) + "\n"))
    assert rows("SELECT city, county, country FROM places") == [("Orléans", "Loiret", "Côte d’Ivoire")]
    report = importing("people", write("places.csv", "city,county,country\nOrléans,Loiret,Côte d’Ivoire\n"))
    assert report.counts == {"places": {"read": 1, "unchanged": 1}}


def test_rows_without_a_key_are_the_same_however_accents_are_typed(write, importing):
    importing("people", write("places.csv", PLACES.replace("Kelso", "Orléans")))
    people = PEOPLE.replace("Kelso", "Orléans")
    importing("people", write("people.csv", people))
    other = decomposed(people).replace("Mac", "\u00a0Mac\u3000")
    report = importing("people", write("people.csv", other))
    assert report.counts == {"people": {"read": 1, "unchanged": 1}}


def test_terms_of_a_vocabulary_are_the_same_however_they_are_typed(write, importing):
    term = "Côte d’Ivoire"
    importing("census", write("census.csv", CENSUS + RESPONDENT.replace("Peru", term) + "\n"))
    report = importing(
        "census", write("census.csv", CENSUS + RESPONDENT.replace("Peru", f"\u00a0{decomposed(term)}\u2003") + "\n")
    )
    assert report.counts == {"respondents": {"read": 1, "unchanged": 1}} and report["new_terms"] == {}


def test_a_cell_of_spaces_of_any_kind_is_an_empty_cell(write, importing, rows):
    row = RESPONDENT.replace("Private", SPACES).replace("Peru", "\u3000")
    bad = RESPONDENT.replace("Divorced", SPACES)
    report = importing("census", write("census.csv", f"{CENSUS}{row}\n{bad}\n"))
    assert report.problems == [("respondents", 3, ("marital_status", None))]
    assert report["rejections"][0]["problems"][0]["message"].startswith("is missing")
    assert rows("SELECT workclass_id, native_country_id FROM respondents") == [(None, None)]


@pytest.mark.parametrize("cell", ["\u200b", "\ufeff\u00a0\u200d", "\u00ad\u2060 \u180e", "\u3164"])
def test_a_cell_of_format_characters_only_is_rejected(write, importing, cell):
    report = importing("people", write("places.csv", f"{PLACES}Derry,{cell},Ireland\n"))
    assert report.counts == {"places": {"read": 2, "created": 1, "rejected": 1}}
    (result,) = report["rejections"][0]["problems"]
    assert (result["column"], result["message"]) == (
        "county",
        "contains only invisible characters: expected text of at most 200 characters",
    )
    assert f"<U+{ord(cell[0]):04X}>" in result["value"]
    bad = RESPONDENT.replace("Private", cell)  # a vocabulary, in a column whose cells may be empty
    report = importing("census", write("census.csv", f"{CENSUS}{bad}\n"))
    assert [row[2][0] for row in report.problems] == ["workclass"] and report["new_terms"] == {}


def test_joiners_and_direction_marks_inside_a_text_stay(write, importing, rows):
    city, county, country = "می\u200cخواهم", "שלום\u200f (a)", "क्\u200dष and \u2067x\u2069 y"
    importing("people", write("places.csv", f"city,county,country\n{city},{county},{country}\n"))
    assert rows("SELECT city, county, country FROM places") == [(city, county, country)]


def test_a_rejected_row_shows_invisible_characters_everywhere(write, importing, capsys, admin_client, manage):
    bad = RESPONDENT.replace("39,", "3\u00a09,").replace("Male", "Ma\u200ble")
    path = write("census.csv", f"{CENSUS}{bad}\n")
    report = importing("census", path)
    result = {p["column"]: p["value"] for p in report["rejections"][0]["problems"]}
    assert result == {"age": "3<U+00A0>9", "sex": "Ma<U+200B>le"}
    assert report["rejections"][0]["values"]["age"] == "3\u00a09"  # the original value
    call_command("import_census", "--dry-run", path)
    printed = capsys.readouterr().out
    assert 'age "3<U+00A0>9" is not a whole number' in printed and 'sex "Ma<U+200B>le"' in printed
    page = admin_client.get(f"/admin/imports/importrun/{report['run']}/change/?tab=rejected").content.decode()
    assert "3&lt;U+00A0&gt;9" in page and "Ma&lt;U+200B&gt;le" in page
    broken = importing("people", write("places.csv", f"{PLACES}Der\u00a0ry,Derry\n"))["run"]
    page = admin_client.get(f"/admin/imports/importrun/{broken}/change/?tab=rejected").content.decode()
    assert "Der&lt;U+00A0&gt;ry,Derry" in page
    body = admin_client.get(f"/api/imports/{report['run']}/rejections/").json()
    assert {p["value"] for p in body["results"][0]["problems"]} == set(result.values())


def test_ids_in_one_cell_may_have_spaces_of_any_kind_around_them(write, importing, rows):
    users = write("all/users.csv", "user_id,name,email,signup_date\n1,Ann,ann@example.org,2024-01-01\n")
    write("all/compounds.csv", "compound_id,compound_name,compound_structure\n1,A,H\n2,B,C\n")
    cells = "1\u00a0;\u20032\u3000,\u00a010\u2009"
    write("all/user_experiments.csv", "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1," + cells)
    importing("experiments", users.parent)
    assert rows("SELECT count(*) FROM user_experiment_compounds") == [(2,)]


def test_a_file_is_known_by_its_name_in_nfc(write, importing, rows):
    importing("people", write("places.csv", PLACES))
    first, second = decomposed("people-Orléans.csv"), "people-Orléans.csv"
    assert first != second
    importing("people", write(f"a/{first}", PEOPLE))
    assert importing("people", write(f"b/{second}", PEOPLE)).counts == {"people": {"read": 1, "unchanged": 1}}
    report = importing("people", write("c/x.csv", PEOPLE), "--as", first)
    assert report.counts == {"people": {"read": 1, "unchanged": 1}}
    assert rows("SELECT DISTINCT name FROM source_files WHERE source = 'people'") == [(second,)]


def test_texts_of_documents_follow_the_same_rules(write, importing, rows):
    subject = {"subject_id": "\u00a0é1\u2003", "species": "Mus\u3000", "genotype": "wt/wt", "sex": "Male"}
    folder = decomposed("ecephys_é1_2024-01-01_10-00-00")
    importing("subjects", write(f"all/{folder}/subject.json", decomposed(json.dumps(subject, ensure_ascii=False))))
    again = {"subject_id": "é1", "species": "Mus", "genotype": "wt/wt", "sex": "Male"}
    assert rows("SELECT subject_id, species FROM subjects") == [("é1", "Mus")]
    assert rows("SELECT name FROM sessions") == [(unicodedata.normalize("NFC", folder),)]
    path = write("new/ecephys_é1_2024-01-01_10-00-00/subject.json", json.dumps(again, ensure_ascii=False))
    assert importing("subjects", path).counts["subjects"] == {"read": 1, "unchanged": 1}
    strains = {"subject_id": "3", "background_strain": "\u3000", "strain": {"name": "C57BL/6J"}}
    importing("subjects", write("strain/s3/subject.json", json.dumps(strains)))
    assert rows("SELECT background_strain FROM subjects WHERE subject_id = '3'") == [("C57BL/6J",)]
    bad = write("bad/s2/subject.json", json.dumps(subject | {"subject_id": "2", "species": "\u200b"}))
    assert importing("subjects", bad).problems[0][2] == ("species", "<U+200B>")


def test_texts_typed_by_a_curator_follow_the_same_rules(db, admin_client):
    address, typed = "/admin/people/place/add/", {"city": decomposed("\u00a0Orléans\u2003"), "county": "Loiret"}
    answer = admin_client.post(address, typed | {"country": "\u200b\u200d"})
    assert answer.status_code == 200 and "contains only invisible characters" in answer.content.decode()
    assert admin_client.post(address, typed | {"country": "France"}).status_code == 302
    assert Place.objects.values_list("city", flat=True).get() == "Orléans"
