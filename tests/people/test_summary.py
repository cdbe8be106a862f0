"""The summary of births by country, as a file for other programs."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from people.models import Person, Place
from tests.import_helpers import imported

pytestmark = pytest.mark.django_db


@pytest.fixture
def birthplaces():
    """A function that adds a number of people born in a country, each in a town with the country's name."""

    def add(country, births):
        town = Place.objects.create(city=f"{country} Town", county="somewhere", country=country)
        for number in range(births):
            Person.objects.create(
                given_name=f"G{number}", family_name="Mac", date_of_birth=date(1900, 1, 1), place_of_birth=town
            )

    return add


def exported(*options):
    out = StringIO()
    call_command("export_people_summary", *options, stdout=out)
    return out.getvalue()


def test_the_summary_of_the_files_as_received(real_data, tmp_path):
    imported("import_people", real_data / "people")
    exported("--output", str(tmp_path / "births.json"))
    assert (tmp_path / "births.json").read_bytes() == b'{"Scotland": 8048, "Northern Ireland": 1952}\n'


def test_countries_are_sorted_by_births_and_then_by_name(birthplaces):
    for country, births in [("Wales", 2), ("Ísland", 3), ("Fife", 2)]:
        birthplaces(country, births)
    assert exported("--output", "-") == '{"Ísland": 3, "Fife": 2, "Wales": 2}\n'


def test_the_summary_is_written_to_the_current_folder_as_utf_8(birthplaces, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    birthplaces("Ísland", 1)
    assert exported() == "summary_output.json: births by country, 1 in total.\n"
    assert (tmp_path / "summary_output.json").read_bytes() == '{"Ísland": 1}\n'.encode()


def test_the_summary_includes_edits_by_curators(birthplaces):
    birthplaces("Scotland", 1)
    assert json.loads(exported("--output", "-")) == {"Scotland": 1}
    place = Place.objects.get()
    place.country = "Wales"
    place.save()
    assert json.loads(exported("--output", "-")) == {"Wales": 1}


def test_the_summary_without_people_is_empty():
    assert exported("--output", "-") == "{}\n"


def test_a_file_that_cannot_be_written_is_reported(tmp_path):
    with pytest.raises(CommandError, match=r"--output .*nowhere.*No such file or directory\.$"):
        exported("--output", str(tmp_path / "nowhere" / "summary.json"))
