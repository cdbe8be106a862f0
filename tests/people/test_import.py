"""Import of places and people by the command."""

from datetime import date, timedelta

import pytest
from django.utils.timezone import localdate

from people.models import BirthsByCountry, Person, Place
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Northern Ireland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1900-01-31,Kelso\nBob,Orr,1901-02-28,Derry\n"


@pytest.fixture
def folder(tmp_path):
    """A folder with a few places and people."""
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "places.csv").write_text(PLACES, encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return folder


def people():
    names = ("given_name", "family_name", "date_of_birth", "place_of_birth__city")
    return list(Person.objects.order_by("pk").values_list(*names))


def places():
    return list(Place.objects.order_by("pk").values_list("city", "county", "country"))


def births():
    return dict(BirthsByCountry.objects.values_list("country", "births"))


def test_import_creates_places_and_the_people_born_there(folder):
    assert imported("import_people", folder).counts == {
        "places": {"read": 2, "created": 2},
        "people": {"read": 2, "created": 2},
    }
    assert places() == [("Kelso", "Roxburghshire", "Scotland"), ("Derry", "Derry", "Northern Ireland")]
    assert people() == [("Ann", "Mac", date(1900, 1, 31), "Kelso"), ("Bob", "Orr", date(1901, 2, 28), "Derry")]
    assert births() == {"Scotland": 1, "Northern Ireland": 1}


def test_people_can_be_imported_without_their_places_if_these_exist(folder):
    imported("import_people", folder / "places.csv")
    assert imported("import_people", folder / "people.csv").counts == {"people": {"read": 2, "created": 2}}
    assert births() == {"Scotland": 1, "Northern Ireland": 1}


def test_import_skips_the_files_that_it_stored_itself(folder, settings):
    settings.MEDIA_ROOT = folder / "media"
    imported("import_people", folder)
    assert len(list((folder / "media" / "imports").iterdir())) >= 2
    assert imported("import_people", folder).counts["people"] == {"read": 2, "unchanged": 2}


def test_import_stores_people_with_equal_rows(folder):
    with (folder / "people.csv").open("a", encoding="utf-8") as file:
        file.write("Ann,Mac,1900-01-31,Kelso\n" * 2)
    assert imported("import_people", folder).counts["people"] == {"read": 4, "created": 4}
    assert imported("import_people", folder).counts["people"] == {"read": 4, "unchanged": 4}
    assert people().count(("Ann", "Mac", date(1900, 1, 31), "Kelso")) == 3


def test_one_equal_row_less_makes_one_person_missing(folder):
    (folder / "people.csv").write_text(PEOPLE + "Ann,Mac,1900-01-31,Kelso\n", encoding="utf-8")
    imported("import_people", folder)
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    assert imported("import_people", folder).counts["people"] == {"read": 2, "unchanged": 2, "missing": 1}
    assert Person.objects.count() == 3
    again = imported("import_people", folder, delete_missing=True)
    assert again.counts["people"] == {"read": 2, "unchanged": 2, "missing": 1, "deleted": 1}
    assert Person.objects.count() == 2


def test_a_person_with_an_unknown_place_is_rejected_and_the_rest_imported(folder):
    with (folder / "people.csv").open("a", encoding="utf-8") as file:
        file.write("Cat,Roy,1902-03-01,Atlantis\nDan,Roy,1902-03-01,Kelso\n")
    report = imported("import_people", folder)
    assert report.counts["people"] == {"read": 4, "created": 3, "rejected": 1}
    (rejection,) = report["rejections"]
    assert (rejection["source"], rejection["line"]) == ("people", 4)
    assert rejection["values"] == {
        "given_name": "Cat",
        "family_name": "Roy",
        "date_of_birth": "1902-03-01",
        "place_of_birth": "Atlantis",
    }
    (problem,) = rejection["problems"]
    assert (problem["column"], problem["value"]) == ("place_of_birth", "Atlantis")
    assert problem["message"] == "refers to an unknown place (looked up in places.city)"


def test_a_rejected_place_is_unknown(folder):
    (folder / "places.csv").write_text(PLACES + "Perth,,Scotland\n", encoding="utf-8")
    (folder / "people.csv").write_text(PEOPLE + "Cat,Roy,1902-03-01,Perth\n", encoding="utf-8")
    assert imported("import_people", folder).rejected == [
        ("places.csv", 4, "county"),
        ("people.csv", 4, "place_of_birth"),
    ]


def test_a_place_that_moves_to_another_county_is_updated_and_its_people_stay(folder):
    imported("import_people", folder)
    (folder / "places.csv").write_text(PLACES.replace("Roxburghshire", "Borders"), encoding="utf-8")
    assert imported("import_people", folder).counts == {
        "places": {"read": 2, "updated": 1, "unchanged": 1},
        "people": {"read": 2, "unchanged": 2},
    }
    assert places()[0] == ("Kelso", "Borders", "Scotland")


def test_births_follow_a_place_that_changes_country(folder):
    imported("import_people", folder)
    (folder / "places.csv").write_text(PLACES.replace("Northern Ireland", "Scotland"), encoding="utf-8")
    imported("import_people", folder)
    assert births() == {"Scotland": 2}


def test_an_edited_row_changes_its_person_and_without_pairing_is_another(folder):
    imported("import_people", folder)
    (folder / "people.csv").write_text(PEOPLE.replace("1900-01-31", "1900-01-30"), encoding="utf-8")
    report = imported("import_people", folder, dry_run=True)
    assert report.counts["people"] == {"read": 2, "updated": 1, "unchanged": 1, "paired": 1}
    report = imported("import_people", folder, pairing=False)
    assert report.counts["people"] == {"read": 2, "created": 1, "unchanged": 1, "missing": 1}
    assert [(m["source"], m["file"], m["line"]) for m in report["missing"]] == [("people", "people.csv", 2)]


def test_a_missing_place_of_birth_is_reported_and_not_deleted(folder):
    imported("import_people", folder)
    (folder / "places.csv").write_text("city,county,country\nKelso,Roxburghshire,Scotland\n", encoding="utf-8")
    report = imported("import_people", folder / "places.csv", delete_missing=True)
    assert report.counts == {"places": {"read": 1, "unchanged": 1, "missing": 1}}
    assert any("records of people refer to them" in note for note in report["notes"])
    assert len(places()) == 2


def test_nobody_is_born_in_the_future_or_before_the_year_1000(folder):
    today = localdate()
    days = [today + timedelta(days=1), "2997-01-01", "0999-12-31", today, "1000-01-01"]
    rows = "".join(f"G{place},Mac,{day},Kelso\n" for place, day in enumerate(days))
    header = "given_name,family_name,date_of_birth,place_of_birth\n"
    for file in (rows, rows.splitlines()[0] + "\n"):  # a column with some valid cells, and one without any
        (folder / "people.csv").write_text(header + file, encoding="utf-8")
        report = imported("import_people", folder)
        result = {r["line"]: r["problems"][0]["message"] for r in report["rejections"]}
        assert result[2] == f"is not accepted: expected a date that is not in the future: {today} or earlier"
        assert len(report["rejections"]) == (3 if file == rows else 1)
    assert set(Person.objects.values_list("given_name", flat=True)) >= {"G3", "G4"}


def test_the_sample_is_imported_except_its_planted_rows():
    report = imported("import_people")
    assert report.counts == {
        "places": {"read": 113, "created": 110, "duplicates": 1, "rejected": 2},
        "people": {"read": 10_006, "created": 10_000, "rejected": 6},
    }
    assert sorted(report.rejected) == [
        ("people.csv", 118, "date_of_birth"),
        ("people.csv", 1507, "place_of_birth"),
        ("people.csv", 2950, None),
        ("people.csv", 4444, None),
        ("people.csv", 6021, "family_name", "date_of_birth"),
        ("people.csv", 8765, "date_of_birth"),
        ("places.csv", 64, "city"),
        ("places.csv", 97, None),
    ]
    assert imported("import_people").counts == {
        "places": {"read": 113, "unchanged": 110, "duplicates": 1, "rejected": 2},
        "people": {"read": 10_006, "unchanged": 10_000, "rejected": 6},
    }
