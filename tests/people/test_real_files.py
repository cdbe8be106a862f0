"""The received files of places and people: the tables have all figures that are known of the files."""

import unicodedata
from collections import Counter

import pytest

from people.models import BirthsByCountry, Person, Place
from tests.import_helpers import CLOTHES, imported, nonzero_counts, table

pytestmark = pytest.mark.django_db

UNCHANGED = {"places": {"read": 114, "unchanged": 114}, "people": {"read": 10_000, "unchanged": 10_000}}
SCRIPTS = {"LATIN", "CYRILLIC", "GREEK", "GEORGIAN", "ARMENIAN", "HANGUL", "CJK", "RUNIC"}


@pytest.fixture(scope="module")
def folder(real_data):
    return real_data / "people"


@pytest.fixture(scope="module", autouse=True)
def first(module_db, folder):
    """The report of the import before the tests of this module."""
    return imported("import_people", folder)


def people():
    """The rows of the table in the format of the file."""
    columns = ("given_name", "family_name", "date_of_birth", "place_of_birth__city")
    return [
        (*names, day.isoformat(), city) for *names, day, city in Person.objects.order_by("pk").values_list(*columns)
    ]


def places():
    return list(Place.objects.order_by("pk").values_list("city", "county", "country"))


def births():
    return dict(BirthsByCountry.objects.values_list("country", "births"))


def rows(path):
    return [tuple(row) for row in table(path)[1:]]


def test_all_places_and_people_are_imported(first):
    assert first.counts == {
        "places": {"read": 114, "created": 114},
        "people": {"read": 10_000, "created": 10_000},
    }
    assert (len(places()), len(people())) == (114, 10_000)


def test_every_cell_equals_the_file(folder):
    assert places() == rows(folder / "places.csv")
    assert people() == rows(folder / "people.csv")


def test_no_two_people_are_equal():
    assert set(Counter(people()).values()) == {1}


def test_births_reach_from_1837_to_1983():
    days = [day for *_, day, _ in people()]
    assert (min(days), max(days)) == ("1837-01-03", "1983-12-23")


def test_births_by_country():
    assert births() == {"Scotland": 8048, "Northern Ireland": 1952}
    assert Person.objects.born_in("Scotland").count() == 8048


def test_names_beyond_ascii_keep_every_character(folder):
    kept = [row for row in people() if not "".join(row).isascii()]
    assert kept == [row for row in rows(folder / "people.csv") if not "".join(row).isascii()]
    assert len(kept) == 20
    letters = {unicodedata.name(c) for row in kept for c in "".join(row) if not c.isascii()}
    assert {name.split()[0] for name in letters} == SCRIPTS
    assert "LATIN SMALL LETTER ETH" in letters


def test_nine_imports_of_the_files_give_the_same_births(folder):
    for _ in range(8):
        assert imported("import_people", folder).counts == UNCHANGED
    assert births() == {"Scotland": 8048, "Northern Ireland": 1952}


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("clothes", CLOTHES)
def test_the_same_table_in_another_format_changes_nothing(clothes, folder, tmp_path):
    for name in ("places.csv", "people.csv"):
        (tmp_path / name).write_bytes(CLOTHES[clothes](table(folder / name)))
    report = imported("import_people", tmp_path / "places.csv", tmp_path / "people.csv")
    assert report.counts == UNCHANGED
    assert [nonzero_counts(file) for entry in report["sources"] for file in entry["files"]] == list(UNCHANGED.values())


def test_other_formats_give_the_same_first_import(folder, tmp_path):
    Person.objects.all().delete()
    Place.objects.all().delete()
    for name in ("places.csv", "people.csv"):
        (tmp_path / name).write_bytes(CLOTHES["everything at once"](table(folder / name)))
    imported("import_people", tmp_path / "places.csv", tmp_path / "people.csv")
    assert places() == rows(folder / "places.csv")
    assert people() == rows(folder / "people.csv")
