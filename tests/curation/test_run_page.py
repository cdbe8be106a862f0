"""The page of a run: upload, preview, apply and undo."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from curation.history import edits
from imports.engine import run_diff
from imports.models import ImportRun
from people.models import Person, Place
from subjects.models import Session
from tests.confirming import confirm
from tests.curation.run_pages import do, page

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
PEOPLE = HEADER + "Ann,Mac,1901-02-03,Kelso\nBob,Oak,1950-12-31,Derry\nGus,Elm,1901-02-30,Atlantis\n"


def test_a_preview_shows_the_effect_and_changes_nothing(curator, previewed):
    run = previewed(places=PLACES, people=PEOPLE)
    assert run.status == "previewed" and not Person.objects.exists() and not Place.objects.exists()
    content = page(curator, run)
    assert "Changed (0) New (4) Missing (0) Kept (0) Rejected (1)" in content
    assert f"Ready to review – Run {run.pk} of people" in content and "This import would add 4 · reject 1 ." in content
    assert "Ann Mac 1901-02-03 Kelso" in page(curator, run, "new")  # by the name of a place that is not stored yet
    rejected = page(curator, run, "rejected")
    assert (
        "people · people.csv, line 4" in rejected
        and "refers to an unknown place" in rejected
        and "1901-02-30" in rejected
    )


@pytest.mark.both_engines
def test_apply_applies_the_preview_and_the_page_shows_it_from_the_tables(curator, previewed):
    run = do(curator, previewed(places=PLACES, people=PEOPLE), "apply")
    assert run.status == "applied" and not run.dry_run
    people = Person.objects.order_by("pk").values_list("given_name", "changed_in__run")  # in the order of the file
    assert list(people) == [("Ann", run.pk), ("Bob", run.pk)]
    content = page(curator, run, "new")
    assert "New (4)" in content and "Ann Mac 1901-02-03 Kelso" in content
    run = previewed(places=PLACES.replace("Derry,Derry", "Derry,Londonderry"))
    for _ in "previewed", "applied":
        content = page(curator, run, "changed")
        assert "Changed (1) New (0)" in content and "county Derry Londonderry" in content and "Ulster" not in content
        run = do(curator, run, "apply") if run.status == "previewed" else run


def test_an_applied_run_says_what_it_did_and_leads_to_undo_and_to_explore(curator, previewed):
    run = do(curator, previewed(places=PLACES, people=PEOPLE), "apply")
    content = curator.get(f"/admin/imports/importrun/{run.pk}/change/").text
    assert "This import added <b>4</b> · rejected <b>1</b>." in content and f"<title>Applied – Run {run.pk}" in content
    for address in (f"/admin/imports/importrun/{run.pk}/undo/", "/explore/people/people/", "/explore/people/places/"):
        assert f'href="{address}"' in content and curator.get(address).status_code == 200
    assert '<span class="empty">Missing (0)</span>' in content
    do(curator, previewed(places=PLACES), "apply")
    again = page(curator, ImportRun.objects.latest("pk"))
    assert "This import left 2 ." in again and "in Explore" not in again


@pytest.mark.both_engines
def test_an_outdated_preview_is_shown_again_instead_of_applied(curator, previewed):
    do(curator, previewed(places=PLACES), "apply")
    run = previewed(places=PLACES.replace("Derry,Derry", "Derry,Londonderry"))
    edits.correct(Place.objects.filter(city="Derry"), {"county": "Doire"}, None)
    run = do(curator, run, "apply")
    assert run.status == "previewed" and Place.objects.get(city="Derry").county == "Doire"
    content = page(curator, run)
    assert "The tables have changed since the preview" in content and "Kept (1)" in content
    assert "county Doire Londonderry" in page(curator, run, "kept")
    assert do(curator, run, "apply").status == "applied"
    assert Place.objects.get(city="Derry").corrections == {"county": "Londonderry"}


def test_a_deletion_by_a_curator_is_listed_as_kept(curator, previewed):
    do(curator, previewed(places=PLACES, people=PEOPLE), "apply")
    edits.delete(Person.objects.filter(given_name="Ann"), None)
    edits.delete(Place.objects.filter(city="Kelso"), None)
    run = previewed(places=PLACES, people=PEOPLE)
    content = page(curator, run, "kept")
    assert "Kept (2)" in content and "given_name Ann" in content and "city Kelso" in content


@pytest.mark.both_engines
def test_missing_records_are_listed_before_and_after_the_import(curator, previewed):
    do(curator, previewed(places=PLACES), "apply")
    run = previewed(places=PLACES.replace("Derry,Derry,Ulster\n", ""))
    assert "Derry places.csv 3" in page(curator, run, "missing")
    assert "Derry places.csv 3" in page(curator, do(curator, run, "apply"), "missing")


@pytest.mark.both_engines
def test_every_record_is_on_one_of_the_pages(curator, previewed):
    cities = [f"City{n:03}" for n in range(120)]
    run = previewed(places="city,county,country\n" + "".join(f"{city},A,B\n" for city in cities))
    for _ in "previewed", "applied":
        content = "".join(page(curator, run, "new", number) for number in (1, 2, 3))
        assert [city for city in cities if city not in content] == []
        assert "Page 1 of 3" in content
        run = do(curator, run, "apply") if run.status == "previewed" else run


def test_a_preview_at_the_command_line_is_shown_and_dropped_but_not_applied_here(
    curator, write, settings, transactional_db
):
    settings.SOURCES_DIR = write("sources/people/places.csv", PLACES.replace("Kelso", "Sample")).parents[1]
    path = write("places.csv", PLACES)
    call_command("import_people", path, dry_run=True, verbosity=0)
    first = ImportRun.objects.get()
    assert "New (2)" in page(curator, first) and "Kelso Roxburghshire" in page(curator, first, "new")
    for verb in "apply", "preview":
        answer = curator.post(f"/admin/imports/importrun/{first.pk}/{verb}/", follow=True)
        assert "was started from the command line and cannot be restarted here" in answer.content.decode()
        call_command("worker", batch=True)
    assert not Place.objects.exists()
    call_command("import_people", path, dry_run=True, verbosity=0)
    assert "Kelso Roxburghshire" in page(curator, ImportRun.objects.latest("pk"), "new")
    assert "no longer stored" in page(curator, first, "new")
    assert do(curator, ImportRun.objects.latest("pk"), "discard").status == "discarded"
    assert not any(run_diff.folder_of(run).exists() for run in ImportRun.objects.all())


def test_discard_drops_it(curator, previewed):
    run = do(curator, previewed(places=PLACES), "discard")
    assert run.status == "discarded" and not run_diff.folder_of(run).exists()
    assert do(curator, run, "apply").status == "discarded" and not Place.objects.exists()


@pytest.mark.both_engines
def test_undo_asks_for_confirmation_and_restores_the_tables(curator, previewed):
    first = do(curator, previewed(places=PLACES), "apply")
    before = list(Place.objects.order_by("pk").values())
    run = do(
        curator, previewed(places=PLACES.replace("Derry,Derry", "Derry,Londonderry") + "Cork,Cork,Munster\n"), "apply"
    )
    address = f"/admin/imports/importrun/{run.pk}/undo/"
    content = curator.get(address).content.decode()
    assert "<li>delete 1 place</li>" in content and "<li>restore 1 place</li>" in content
    refusal = curator.get(f"/admin/imports/importrun/{first.pk}/undo/")
    assert refusal.status_code == 409 and "Changed later: 1 place (" in refusal.content.decode()
    run.refresh_from_db()
    assert run.status == "applied"
    confirm(curator, address)
    run.refresh_from_db()
    assert run.status == "undone" and list(Place.objects.order_by("pk").values()) == before


def test_rejected_rows_are_downloaded_in_the_order_of_their_columns(curator, previewed):
    odd = "place_of_birth,Date of Birth,family_name,given_name,shoe\nAtlantis,1901-02-30,Elm,Gus,9\nKelso,1901-02-03\n"
    run = previewed(people=odd)
    content = page(curator, run, "rejected").partition("people.csv, line 2")[2]
    shown = list(map(content.index, ("place_of_birth", "Date of Birth", "family_name", "given_name", "shoe")))
    assert shown == sorted(shown)
    listed = curator.get("/admin/imports/rejectedrow/").text
    assert "place_of_birth: Atlantis, Date of Birth: 1901-02-30, family_name: Elm, given_name: Gus, shoe: 9" in listed
    answer = curator.get(f"/admin/imports/importrun/file/{run.files.get().pk}/rejected/")
    assert f'filename="people.csv.rejected-{run.pk}.csv"' in answer["Content-Disposition"]
    lines = answer.getvalue().decode("utf-8-sig").splitlines()
    assert lines[0] == "place_of_birth,Date of Birth,family_name,given_name,shoe,line,problems,raw,cells_defused"
    assert lines[1].startswith("Atlantis,1901-02-30,Elm,Gus,9,2,")
    assert '"Kelso,1901-02-03"' in lines[2] and lines[2].startswith(",,,,,3,")


@pytest.mark.parametrize("verb", ["cancel", "apply", "discard", "preview", "undo"])
def test_a_user_with_view_permission_only_can_change_nothing(curator, previewed, client, verb):
    run = previewed(places=PLACES)
    user = get_user_model().objects.create_user("ana", is_staff=True)
    address = f"/admin/imports/importrun/{run.pk}"
    client.force_login(user)
    assert client.get(f"{address}/change/").status_code == 403
    assert client.get(f"{address}/progress/").status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_importrun"))
    assert client.get(f"{address}/change/").status_code == 200
    assert client.post(f"{address}/{verb}/").status_code == 403
    assert client.get(f"/admin/imports/importrun/file/{run.files.get().pk}/rejected/").status_code == 403
    run.refresh_from_db()
    assert run.status == "previewed"


def test_the_progress_reloads_the_page_at_the_end(curator, previewed):
    run = previewed(places=PLACES)
    address = f"/admin/imports/importrun/{run.pk}/progress/"
    assert curator.get(address)["HX-Refresh"] == "true"
    ImportRun.objects.filter(pk=run.pk).update(status="waiting")
    answer = curator.get(address)
    assert "HX-Refresh" not in answer and "Waiting to start." in answer.content.decode()
    whole = curator.get(f"/admin/imports/importrun/{run.pk}/change/").content.decode()
    assert 'src="/static/django_htmx/htmx-2.min.js"' in whole and "hx-trigger" in whole


def sent(client, run, name="people") -> str:
    file = run.files.get(name=f"{name}.csv")
    return client.get(f"/admin/imports/importrun/file/{file.pk}/rejected/").getvalue().decode()


def test_fixed_rows_continue_the_file_that_they_came_from(curator, previewed):
    run = do(curator, previewed(places=PLACES, people=PEOPLE + "Too,many,1901-02-03,Kelso,cells\n"), "apply")
    fixed = sent(curator, run).replace("1901-02-30", "1901-02-28").replace("Atlantis", "Kelso", 1)
    run = previewed(**{f"people.csv.rejected-{run.pk}": fixed})
    assert run.status == "previewed", run.error
    assert "New (1) Missing (0) Kept (0) Rejected (1)" in page(curator, run)
    assert "unknown columns" not in "".join(run.notes)
    do(curator, run, "apply")
    assert Person.objects.get(given_name="Gus").created_line == 4
    assert run.files.get().name == "people.csv" and run.files.get().rejected_rows.get().line == 5
    again = previewed(people=PEOPLE.replace("1901-02-30", "1901-02-28").replace("Atlantis", "Kelso"))
    assert "New (0) Missing (0)" in page(curator, again)


def test_rows_that_are_still_wrong_are_returned_with_their_text_and_new_problems_only(curator, previewed):
    run = do(curator, previewed(places=PLACES, people=PEOPLE + "Too,many,1901-02-03,Kelso,cells\n"), "apply")
    fixed = sent(curator, run)
    run = previewed(**{f"people.csv.rejected-{run.pk}": fixed.replace("1901-02-30", "1901-02-31")})
    content = page(curator, run, "rejected")
    assert "1901-02-31" in content and "Too,many,1901-02-03,Kelso,cells" in content
    assert "1901-02-30" not in content and "cells_defused" not in content.partition("people.csv, line 4")[2]
    lines = sent(curator, run).removeprefix("\ufeff").splitlines()
    assert lines[0] == f"{HEADER.strip()},line,problems,raw,cells_defused"
    assert lines[2].startswith(",,,,5,") and lines[2].endswith(',"Too,many,1901-02-03,Kelso,cells",yes')


def test_a_formula_in_rejected_rows_is_escaped_and_restored(curator, previewed):
    run = previewed(places=PLACES, people="\n".join([PEOPLE.splitlines()[0], "=1+1,-Mac,1901-02-30,Kelso", ""]))
    fixed = sent(curator, run)
    assert "'=1+1,'-Mac,1901-02-30" in fixed
    run = do(curator, previewed(places=PLACES, people=fixed.replace("02-30", "02-28")), "apply")
    assert run.status == "applied", run.error
    assert (Person.objects.get().given_name, Person.objects.get().family_name) == ("=1+1", "-Mac")


def test_a_fixed_file_with_masked_addresses_or_unknown_lines_is_refused(curator, previewed):
    users = "user_id,name,email,signup_date\n1,Ann,ann@example.com,never\n"
    run = previewed("experiments", users=users)
    fixed = sent(curator, run, "users").replace("never", "2024-01-05")
    again = previewed("experiments", **{f"users.csv.rejected-{run.pk}": fixed})
    assert again.status == "failed" and "email is masked" in again.error
    again = previewed("experiments", **{f"users.csv.rejected-{run.pk}": fixed.replace(",2,", ",second,")})
    assert 'the column “line” contains "second"' in again.error
    again = previewed("experiments", **{"users.csv.rejected-4711": fixed})
    assert "imported no such file into users" in again.error


def test_fixed_documents_continue_their_file(curator, previewed, settings):
    def uploaded(name, text):
        files = SimpleUploadedFile(name, text.encode())
        curator.post("/admin/imports/importrun/import/", {"dataset": "subjects", "files": files, "encoding": "utf-8"})
        call_command("worker", batch=True)
        return ImportRun.objects.latest("pk")

    name = "ecephys_700661_2025-01-20_15-09-49"
    run = do(curator, uploaded(f"{name}.json", '{"subject_id": "700661", "date_of_birth": "never"}'), "apply")
    file = run.files.filter(rejected=1).get()
    answer = curator.get(f"/admin/imports/importrun/file/{file.pk}/rejected/")
    assert f'filename="{name}.rejected-{run.pk}.json"' in answer["Content-Disposition"]
    document = answer.getvalue().decode()
    assert document.startswith('{"subject_id": "700661", "date_of_birth": "never", "line": 1, "problems": "date_of')
    fixed = uploaded(f"{name}.rejected-{run.pk}.json", document.replace('"never"', '"2024-01-02"'))
    assert do(curator, fixed, "apply").status == "applied", fixed.error
    assert set(fixed.files.values_list("name", "rejected")) == {(name, 0)}
    assert Session.objects.get().document == {"subject_id": "700661", "date_of_birth": "2024-01-02"}


IGNORED = ["change/?tab=xyz", "change/?page=9223372036854775807"]
OF_LISTS = ["imports/importrun/?p=9223372036854775807", "people/place/?p=9223372036854775807"]
OF_IMPORTS = ["imports/importrun/import/?run=0x10", "imports/importrun/import/?dataset=xyz"]


def test_pages_refuse_invalid_values(curator, previewed):
    own = [f"imports/importrun/{previewed(places=PLACES).pk}/{address}" for address in IGNORED]
    for address in [*own, *OF_LISTS, *OF_IMPORTS]:
        assert curator.get(f"/admin/{address}").status_code in (400, 404), address
    assert curator.get("/admin/imports/importrun/import/?dataset=people&strict=on").status_code == 200


@pytest.mark.parametrize("address", ["chart.json?width=0x10", "chart.svg?width=0x10", "chart/?height=many&x=country"])
def test_a_chart_refuses_an_invalid_size(admin_client, address):
    assert admin_client.get(f"/explore/people/places/{address}").status_code == 400
