"""Pairs on the page of a preview and over HTTP, and the two choices for a file of which less than half matches."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from curation.history import edits
from people.models import Person
from tests.curation.run_pages import do, page

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
ROWS = [f"Given{n},Family{n},19{10 + n}-01-0{1 + n},Kelso\n" for n in range(8)]
OTHER = [row.replace("Given", "Other") for row in ROWS[:5]] + ROWS[5:]


def people(rows) -> str:
    return HEADER + "".join(rows)


@pytest.mark.both_engines
def test_a_pair_is_a_probable_change_and_is_applied_as_previewed(curator, previewed):
    do(curator, previewed(places=PLACES, people=people(ROWS)), "apply")
    record = Person.objects.get(given_name="Given3")
    run = previewed(people=people([*ROWS[:3], ROWS[3].replace("Given3", "Gwen"), *ROWS[4:]]))
    content = page(curator, run)
    assert "Changed (1) New (0) Missing (0)" in content and "Probable change" in content
    assert "Given3" in content and "Gwen" in content
    run = do(curator, run, "apply")
    record.refresh_from_db()
    assert run.status == "applied" and record.given_name == "Gwen" and "Probable change" in page(curator, run)


@pytest.mark.both_engines
def test_a_file_of_which_less_than_half_matches_is_applied_only_with_a_choice(curator, previewed):
    do(curator, previewed(places=PLACES, people=people(ROWS)), "apply")
    run = previewed(people=people(OTHER))
    content = page(curator, run)
    assert "Only 3 of 8 records still match people.csv" in content
    assert "Pair edited rows with their records, although less than half of people.csv still matches" in content
    assert do(curator, run, "apply").status == "previewed" and not Person.objects.filter(given_name="Other1").exists()
    curator.post(f"/admin/imports/importrun/{run.pk}/preview/", {"unpaired": "on"})
    call_command("worker", batch=True)
    assert "Changed (0) New (5) Missing (5)" in page(curator, run)
    run = previewed(people=people(OTHER))
    curator.post(f"/admin/imports/importrun/{run.pk}/apply/", {"pair": "on"})
    call_command("worker", batch=True)
    run.refresh_from_db()
    assert (run.status, run.pairing, Person.objects.count()) == ("applied", "on", 8)


def test_missing_records_stay_unless_the_curator_chooses_to_delete_them(curator, previewed):
    do(curator, previewed(places=PLACES, people=people(ROWS)), "apply")
    run = previewed(people=people(ROWS[:6]))
    banner = "2 records from people.csv are not in this file."
    choices = {"on": f"{banner} 2 would be deleted.", "off": f"{banner} They stay unless you choose to delete them."}
    assert choices["off"] in page(curator, run)
    for choice in ("on", "off", "on"):
        curator.post(f"/admin/imports/importrun/{run.pk}/preview/", {"delete_missing": choice})
        call_command("worker", batch=True)
        run.refresh_from_db()
        assert choices[choice] in page(curator, run)
    assert do(curator, run, "apply").delete_missing and Person.objects.count() == 6


def test_missing_records_with_corrections_are_listed_first(curator, previewed, write, importing, capsys):
    do(curator, previewed(places=f"{PLACES}Bath,Somerset,England\n", people=people(ROWS)), "apply")
    edits.correct(Person.objects.filter(given_name="Given7"), {"family_name": "Seven"}, None)
    run = previewed(places=PLACES, people=people(ROWS[:5]))
    for content in (page(curator, run, "missing"), page(curator, do(curator, run, "apply"), "missing")):
        entries = content.partition("Missing (4)")[2]
        order = [entries.index(text) for text in ("Given7 Seven", "Given5", "Given6", "Bath places.csv")]
        assert order == sorted(order) and entries.count("has corrections") == 1
    run = previewed(people=people(ROWS[:5]))
    banner = "3 records from people.csv are not in this file. 1 of them has corrections. They stay unless"
    assert banner in page(curator, run)
    report = importing("people", write("people.csv", people(ROWS[:5])), "--dry-run")
    assert [record.get("corrected", False) for record in report["missing"]] == [True, False, False]
    capsys.readouterr()
    call_command("import_people", write("people.csv", people(ROWS[:5])), dry_run=True)
    printed = capsys.readouterr().out
    assert "Missing from their source files (3, 1 with corrections):" in printed
    assert printed.index("Given7") < printed.index("Given5") < printed.index("Given6")


def test_the_api_answers_409_with_the_two_choices(curator, previewed):
    do(curator, previewed(places=PLACES, people=people(ROWS)), "apply")
    file = SimpleUploadedFile("people.csv", people(OTHER).encode())
    run = curator.post("/api/imports/", {"dataset": "people", "files": file, "mode": "preview"}).json()
    call_command("worker", batch=True)
    refused = curator.post(f"/api/imports/{run['id']}/apply/", content_type="application/json")
    assert refused.status_code == 409
    assert "(“pairing” on)" in refused.json()["detail"] and "(“pairing” off)" in refused.json()["detail"]
    options = {"pairing": "on"}
    assert curator.post(f"/api/imports/{run['id']}/apply/", options, content_type="application/json").status_code == 202
    call_command("worker", batch=True)
    run = curator.get(f"/api/imports/{run['id']}/").json()
    assert (run["status"], run["pairing"], run["sources"][0]["paired"]) == ("applied", "on", 5)


def test_pairing_is_turned_off_over_http(curator, previewed):
    do(curator, previewed(places=PLACES, people=people(ROWS)), "apply")
    file = SimpleUploadedFile("people.csv", people(OTHER).encode())
    sent = {"dataset": "people", "files": file, "mode": "apply", "pairing": "off"}
    run = curator.post("/api/imports/", sent).json()
    call_command("worker", batch=True)
    assert curator.get(f"/api/imports/{run['id']}/").json()["sources"][0]["created"] == 5
    file = SimpleUploadedFile("people.csv", people(OTHER).encode())
    wrong = curator.post("/api/imports/", sent | {"files": file, "pairing": "maybe"})
    assert wrong.status_code == 400 and "auto" in str(wrong.json()["errors"]["pairing"])
