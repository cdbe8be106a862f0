"""Missing records: counted, listed, and deleted only on request."""

from unittest.mock import ANY

import pytest

from curation.history import edits
from people.models import Person

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\nBath,Avon,England\n"
PEOPLE = """\
given_name,family_name,date_of_birth,place_of_birth
Ann,Mac,1901-02-03,Kelso
Bob,Oak,1950-12-31,Derry
"""
NO_DERRY = PLACES.replace("Derry,Derry,Ulster\n", "")
NO_BOB = PEOPLE.replace("Bob,Oak,1950-12-31,Derry\n", "")


@pytest.fixture
def imported(write, importing):
    write("all/people.csv", PEOPLE)
    importing("people", write("all/places.csv", PLACES).parent)


@pytest.fixture
def cities(rows):
    return lambda: [row[0] for row in rows("SELECT city FROM places ORDER BY city")]


def test_a_missing_record_is_listed_and_stays(imported, write, importing, cities, whole):
    before = whole("places")
    report = importing("people", write("places.csv", PLACES.replace("Bath,Avon,England\n", "")))
    assert report.counts == {"places": {"read": 2, "unchanged": 2, "missing": 1}}
    bath = {"source": "places", "pk": ANY, "record": "Bath", "values": {}, "file": "places.csv", "line": 4}
    assert report["missing"] == [bath]
    assert whole("places") == before


def test_a_missing_record_is_listed_until_it_is_deleted(imported, write, importing, cities):
    path = write("places.csv", PLACES.replace("Bath,Avon,England\n", ""))
    importing("people", path)
    assert importing("people", path).counts["places"]["missing"] == 1
    report = importing("people", path, "--delete-missing")
    assert report.counts == {"places": {"read": 2, "unchanged": 2, "missing": 1, "deleted": 1}}
    assert cities() == ["Derry", "Kelso"]
    assert importing("people", path).counts == {"places": {"read": 2, "unchanged": 2}}


def test_a_file_with_another_name_makes_no_record_missing(imported, write, importing, cities):
    report = importing(
        "people", write("places_2.csv", "city,county,country\nYork,Yorkshire,England\n"), "--delete-missing"
    )
    assert report.counts == {"places": {"read": 1, "created": 1}}
    assert cities() == ["Bath", "Derry", "Kelso", "York"]


def test_a_record_is_missing_from_the_file_that_changed_it_last(imported, write, importing):
    importing("people", write("places_2.csv", "city,county,country\nBath,Somerset,England\n"))
    report = importing("people", write("places.csv", PLACES.replace("Bath,Avon,England\n", "")))
    assert report["missing"] == []
    report = importing("people", write("places_2.csv", "city,county,country\nYork,Yorkshire,England\n"))
    bath = {"source": "places", "pk": ANY, "record": "Bath", "values": {}, "file": "places_2.csv", "line": 2}
    assert report["missing"] == [bath]


def test_a_record_that_moved_to_another_file_of_the_same_run_is_not_missing(write, importing):
    first, second = "city,county,country\nKelso,Roxburghshire,Scotland\n", "city,county,country\nBath,Avon,England\n"
    importing("people", write("places_1.csv", first), write("places_2.csv", second))
    both = write("places_1.csv", "city,county,country\n"), write("places_2.csv", second + first.splitlines()[1] + "\n")
    assert importing("people", *both).counts == {"places": {"read": 2, "unchanged": 2}}


def test_missing_records_without_a_key_are_deleted_on_request(imported, write, importing, rows):
    report = importing("people", write("people.csv", NO_BOB), "--delete-missing")
    assert report.counts == {"people": {"read": 1, "unchanged": 1, "missing": 1, "deleted": 1}}
    ((entry,)) = report["missing"]
    assert (entry["source"], entry["file"], entry["line"]) == ("people", "people.csv", 3)
    assert rows("SELECT given_name FROM people") == [("Ann",)]


def test_a_referenced_missing_record_stays(imported, write, importing, cities):
    report = importing("people", write("places.csv", "city,county,country\n"), "--delete-missing")
    assert report.counts == {"places": {"missing": 3, "deleted": 1}}
    assert "2 missing records of places not deleted: records of people refer to them." in report["notes"]
    assert cities() == ["Derry", "Kelso"]


def test_a_missing_parent_is_deleted_with_its_last_child(imported, write, importing, rows, cities):
    write("all/people.csv", NO_BOB)
    report = importing("people", write("all/places.csv", NO_DERRY).parent, "--delete-missing")
    assert report.counts == {
        "places": {"read": 2, "unchanged": 2, "missing": 1, "deleted": 1},
        "people": {"read": 1, "unchanged": 1, "missing": 1, "deleted": 1},
    }
    assert (cities(), rows("SELECT given_name FROM people")) == (["Bath", "Kelso"], [("Ann",)])


def test_a_missing_record_is_deleted_with_its_members(write, importing, rows):
    write("all/users.csv", "user_id,name,email,signup_date\n1,Ann,ann@example.org,2024-01-01\n")
    write("all/compounds.csv", "compound_id,compound_name,compound_structure\n1,Water,H2O\n2,Salt,NaCl\n")
    experiments = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1,1;2,10\n2,1,2,20\n"
    importing("experiments", write("all/user_experiments.csv", experiments).parent)
    fewer = write("user_experiments.csv", experiments.replace("1,1,1;2,10\n", ""))
    assert importing("experiments", fewer, "--delete-missing").counts["user_experiments"]["deleted"] == 1
    assert rows("SELECT experiment_id, compound_id FROM user_experiment_compounds") == [(2, 2)]
    # A missing compound without experiments can be deleted; a used compound or a user with experiments cannot.
    none = write("compounds.csv", "compound_id,compound_name,compound_structure\n")
    report = importing("experiments", none, "--delete-missing")
    assert report.counts == {"compounds": {"missing": 2, "deleted": 1}}
    assert rows("SELECT compound_id FROM compounds") == [(2,)]


def test_a_record_with_a_rejected_row_is_not_missing_if_its_key_is_readable(imported, write, importing, cities):
    report = importing("people", write("places.csv", PLACES.replace("Avon", "")), "--delete-missing")
    assert report.counts == {"places": {"read": 3, "unchanged": 2, "rejected": 1}}
    assert cities() == ["Bath", "Derry", "Kelso"]


def test_a_record_whose_row_the_tables_reject_is_not_missing(write, importing, rows):
    write("all/users.csv", "user_id,name,email,signup_date\n1,Ann,ann@example.org,2024-01-01\n")
    write("all/compounds.csv", "compound_id,compound_name,compound_structure\n1,Water,H2O\n")
    experiments = "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n1,1,1,10\n2,1,1,20\n"
    importing("experiments", write("all/user_experiments.csv", experiments).parent)
    bad = experiments.replace("1,1,1,10", "1,7,1,10").replace("2,1,1,20", "2,1,9,20")
    report = importing("experiments", write("user_experiments.csv", bad), "--delete-missing")
    assert report.counts == {"user_experiments": {"read": 2, "rejected": 2}}
    assert rows("SELECT experiment_id FROM user_experiments ORDER BY 1") == [(1,), (2,)]


def test_a_record_with_a_rejected_row_is_not_missing_if_its_content_is_readable(write, importing, rows, execute):
    row = "39, Private, 77516, Bachelors, 13, Divorced, Sales, Wife, White, Male, 0, 0, 40, Peru, <=50K\n"
    importing("census", write("adult.data", row + row))
    execute("UPDATE education_levels SET years = 12")
    report = importing("census", write("adult.data", row + row), "--delete-missing")
    assert report.counts == {"respondents": {"read": 2, "rejected": 2}}
    assert rows("SELECT count(*) FROM respondents") == [(2,)]


def test_a_record_with_an_unreadable_rejected_row_is_missing(imported, write, importing):
    report = importing("people", write("places.csv", PLACES.replace("Bath,Avon,England", "Bath;Avon;England")))
    assert report.counts == {"places": {"read": 3, "unchanged": 2, "rejected": 1, "missing": 1}}


def test_a_record_created_by_a_curator_is_never_missing(imported, write, importing, execute, cities):
    execute("INSERT INTO places (city, county, country) VALUES ('York', 'Yorkshire', 'England')")
    assert importing("people", write("places.csv", PLACES), "--delete-missing").counts["places"]["unchanged"] == 3
    assert "York" in cities()


def test_most_of_a_table_is_deleted_only_if_allowed(write, importing, refused, rows):
    def towns(*numbers):
        return write("places.csv", "city,county,country\n" + "".join(f"Town {n},A,B\n" for n in numbers))

    importing("people", towns(*range(240)))
    others = towns(*range(100), *range(1000, 1140))  # the same number of records, but most of them are different
    assert refused("people", others, "--delete-missing") == (
        "140 of 240 records of places are missing and would be deleted. Nothing was imported. Preview the import "
        "to review the missing records. If they should be deleted, repeat the import and allow it to delete most of "
        "the table. "
        "On the command line: --delete-most."
    )
    assert rows("SELECT count(*) FROM places") == [(240,)]
    previewed = importing("people", others, "--delete-missing", "--dry-run")
    assert previewed.counts["places"]["deleted"] == 140
    assert previewed["notes"] == [
        "140 of 240 records of places are missing and would be deleted, which is most of the table. "
        "To apply the import, allow it to delete most of the table."
    ]
    assert importing("people", others, "--delete-missing", "--delete-most").counts["places"]["deleted"] == 140
    assert importing("people", towns(*range(60)), "--dry-run").counts["places"]["missing"] == 180
    assert importing("people", towns(*range(100), *range(1000, 1040)), "--delete-missing").counts["places"] == {
        **{"read": 140, "unchanged": 140, "missing": 100, "deleted": 100}
    }


def test_a_preview_counts_deletions_and_deletes_nothing(imported, write, importing, cities, whole):
    before = whole("places"), whole("people")
    report = importing("people", write("places.csv", "city,county,country\n"), "--delete-missing", "--dry-run")
    assert report.counts == {"places": {"missing": 3, "deleted": 1}}
    assert (whole("places"), whole("people")) == before


def test_a_missing_record_without_a_key_is_listed_with_its_values(write, importing):
    header = "given_name,family_name,date_of_birth,place_of_birth\n"
    importing("people", write("places.csv", "city,county,country\nBath,Somerset,England\n"))
    importing("people", write("people.csv", f"{header}Ann,Bain,1900-01-01,Bath\n"))
    (missing,) = importing("people", write("people.csv", f"{header}Bo,Bain,1900-01-01,Bath\n"))["missing"]
    assert list(missing["values"].values()) == ["Ann", "Bain", "1900-01-01"]


def test_a_fixed_row_keeps_its_line_in_the_file(write, importing, rows):
    header = "given_name,family_name,date_of_birth,place_of_birth\n"
    write("all/places.csv", PLACES)
    messy = f"{header}Ann,Mac,1901-02-03,Kelso\nBob,Oak,1950-02-30,Derry\nGus,Elm,1950-12-31,Atlantis\n"
    first = importing("people", write("all/people.csv", messy).parent)
    named = f"people.csv.rejected-{first['run']}.csv"
    fixed = f"line,problems,{header}3,,Bob,Oak,1950-02-28,Derry\n4,,Gus,Elm,1950-12-31,Bath\n"
    assert importing("people", write(named, fixed)).counts["people"]["created"] == 2
    again = importing("people", write("all/people.csv", messy).parent, "--delete-missing")
    assert again.counts["people"] == {"read": 3, "unchanged": 1, "fixed_before": 2}
    assert rows("SELECT count(*) FROM people") == [(3,)]
    # A record is missing if its line no longer exists or has another row.
    fewer = importing("people", write("people.csv", messy.replace("Gus,Elm,1950-12-31,Atlantis\n", "")))
    assert [(entry["line"], entry["values"]["given_name"]) for entry in fewer["missing"]] == [(4, "Gus")]


def test_the_first_missing_records_are_listed_and_all_are_counted(
    imported, write, importing, admin_client, monkeypatch
):
    """Those with corrections come first, whether few or most records are missing."""
    monkeypatch.setattr("imports.engine.listed_missing.LISTED", 2)
    rows = [f"Cy{number},Fox,1950-12-{number},Derry\n" for number in range(10, 20)]
    importing("people", write("people.csv", PEOPLE + "".join(rows)))
    edits.correct(Person.objects.filter(given_name="Cy18"), {"family_name": "Elm"}, None)
    for kept in (rows[:6], []):
        report = importing("people", write("people.csv", PEOPLE + "".join(kept)), "--dry-run")
        same, missing = 2 + len(kept), len(rows) - len(kept)
        assert report.counts == {"people": {"read": same, "unchanged": same, "missing": missing}}
        assert [entry["values"]["given_name"] for entry in report["missing"]] == ["Cy18", f"Cy{10 + len(kept)}"]
        note = f"{missing} records of people are missing from the files. The first 2 are listed."
        assert note in report["notes"]
        page = admin_client.get(f"/admin/imports/importrun/{report['run']}/change/?tab=missing")
        assert note in page.text and len(page.context["entries"]) == 2
        assert {"name": "missing", "label": "Missing", "size": str(missing)} in page.context["tabs"]
    report = importing("people", write("people.csv", PEOPLE), "--delete-missing")
    assert report.counts["people"]["deleted"] == 10 and Person.objects.count() == 2
