"""Texts for curators: stopped runs, open tasks, names of edits, refusals with a link back."""

import logging.config
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from curation.history import edits
from datasets.records import pagination
from imports.models import Edit, ImportRun
from people.models import Person, Place
from tests.confirming import confirm

pytestmark = pytest.mark.only_on("sqlite")

PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"


@pytest.fixture
def places(db):
    return [Place.objects.create(city=f"Town {n}", county="A", country="B") for n in range(12)]


@pytest.fixture
def run_of(client, transactional_db):
    """Sign a curator in, upload a file and preview it; return the run and its page."""
    client.force_login(get_user_model().objects.create_superuser("cora"))

    def run_of(name: str, content: bytes, **fields):
        form = {"dataset": "people", "files": [SimpleUploadedFile(name, content)], "encoding": "utf-8"} | fields
        assert client.post("/admin/imports/importrun/import/", form).status_code == 302
        call_command("worker", batch=True)
        run = ImportRun.objects.latest("pk")
        return run, client.get(f"/admin/imports/importrun/{run.pk}/change/").text

    return run_of


def reader(client, *permissions):
    user = get_user_model().objects.create_user("anna", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def test_an_unreadable_file_fails_with_a_message(run_of):
    run, page = run_of("places.csv", "city,county,country\nKelso,Roxburghshire,Écosse\n".encode("latin-1"))
    assert run.status == "failed" and "specify it, for example cp1252." in run.error and "--" not in run.error
    assert "This run did not finish. Nothing was changed." in page and "no longer stored" not in page
    assert "Repeat preview" not in page and "Created" not in page


def test_a_failed_strict_run_can_be_repeated(run_of):
    run, page = run_of("people.csv", PEOPLE.encode(), strict="on")
    assert run.status == "failed" and "import without “strict”" in run.error
    assert "Repeat preview" in page and "Rejected</th>" in page and "Created" not in page


def test_a_file_with_the_name_of_another_source_is_recognised(run_of):
    run, _ = run_of("places.csv", PEOPLE.encode())
    assert run.status == "failed"
    assert "The file has the columns of people. To import it as people, rename it to match people" in run.error


def test_a_missing_record_is_shown_with_its_values(run_of, client):
    for content in (PEOPLE + "Bob,Oak,1950-12-31,Kelso\n", PEOPLE):
        Place.objects.get_or_create(city="Kelso", county="R", country="S")
        run, _ = run_of("people.csv", content.encode())
        client.post(f"/admin/imports/importrun/{run.pk}/apply/")
        call_command("worker", batch=True)
    page = client.get(f"/admin/imports/importrun/{run.pk}/change/?tab=missing").text
    assert "<td>people.csv</td><td>3</td><td>Bob</td><td>Oak</td><td>1950-12-31</td><td>Kelso</td>" in page
    assert page.count('<th scope="col">given_name</th>') == 1
    bob = Person.objects.get(given_name="Bob").pk
    assert f'<a href="/admin/people/person/{bob}/history/">{bob}</a>' in page


@pytest.mark.both_engines
def test_a_missing_record_that_was_deleted_later_does_not_shift_the_columns(run_of, client):
    towns = "city,county,country\nKelso,R,S\n"
    run_of("places.csv", (towns + "Bath,Avon,England\nDeal,Kent,England\n").encode())
    client.post(f"/admin/imports/importrun/{ImportRun.objects.get().pk}/apply/")
    call_command("worker", batch=True)
    run, _ = run_of("places.csv", towns.encode())
    edits.delete(Place.objects.filter(city="Bath"), None)
    page = client.get(f"/admin/imports/importrun/{run.pk}/change/?tab=missing").text
    assert page.count('<th scope="col">county</th>') == 1 and "<td>3</td><td>–</td><td>–</td><td>–</td>" in page
    assert "<td>4</td><td>Deal</td><td>Kent</td><td>England</td>" in page


@pytest.mark.both_engines
def test_a_deleted_record_is_shown_as_it_was(run_of, client):
    bath = None
    for text in ("city,county,country\nBath,Avon,England\nKelso,R,S\n", "city,county,country\nKelso,R,S\n"):
        run, page = run_of("places.csv", text.encode(), delete_missing="on")
        client.post(f"/admin/imports/importrun/{run.pk}/apply/")
        call_command("worker", batch=True)
        bath = Place.objects.filter(city="Bath").first() or bath
    applied = client.get(f"/admin/imports/importrun/{run.pk}/change/?tab=missing").text
    assert not Place.objects.filter(city="Bath").exists()
    for result in (page, applied):  # before and after
        assert (
            "<td>Bath</td><td>Avon</td><td>England</td>" in result
            and f"/admin/people/place/{bath.pk}/history/" in result
        )


def test_users_without_view_permission_see_only_counts(run_of, client):
    Place.objects.create(city="Kelso", county="R", country="S")
    run, _ = run_of("people.csv", (PEOPLE + "Gus,Elm,1901-02-30,Atlantis\n").encode())

    def tabs(*permissions):
        get_user_model().objects.filter(username="anna").delete()
        page = reader(client, "view_importrun", *permissions).get(f"/admin/imports/importrun/{run.pk}/change/").text
        assert "<td>1</td>" in page
        return [name for name in ("Changed", "New", "Rejected") if f"{name} (" in page], "Ann" in page, "Gus" in page

    assert tabs() == ([], False, False)
    assert tabs("view_rejectedrow") == (["Rejected"], False, True)
    assert tabs("view_person", "view_place") == (["Changed", "New"], True, False)


def test_open_previews_are_listed_only_for_users_who_can_apply_them(client, admin_client, db):
    there = ImportRun.objects.create(dataset="people", status="previewed")
    here = ImportRun.objects.create(dataset="people", status="previewed", task_id=uuid4())
    page = admin_client.get("/admin/").text
    assert f"Run {here.pk} is ready to review" in page and f"Run {there.pk} is ready to review" not in page
    page = reader(client, "view_importrun", "view_person").get("/admin/").text
    assert "Never imported" not in page and "is ready to review" not in page


def test_the_front_page_links_to_imports_and_a_dataset_page_to_its_tables(admin_client):
    page = admin_client.get("/admin/").text
    assert 'importrun/import/?dataset=people"' in page and "View site" not in page
    page = admin_client.get("/admin/people/").text
    assert "/admin/people/place/" in page and "/admin/census/" not in page
    assert "card-" not in admin_client.get("/admin/auth/").text


@pytest.mark.both_engines
def test_a_bounded_count_is_marked_as_bounded(admin_client, places, monkeypatch):
    monkeypatch.setattr(pagination, "COUNTED", 10)
    page = admin_client.get("/admin/people/place/?q=town").text
    assert "more than 10 results" in page and "10 places" not in page.lower().replace("more than 10 places", "")


@pytest.mark.both_engines
def test_edits_are_listed_with_the_changed_records(admin_client, admin_user, places):
    edits.correct(Place.objects.filter(pk=places[0].pk), {"county": "C"}, admin_user)
    edits.correct(Place.objects.all(), {"county": "D"}, admin_user)
    page = admin_client.get("/admin/imports/edit/").text
    assert f"place {places[0].pk}</td>" in page and ": places</td>" in page and ">12</td>" in page
    assert "icon-no" not in page and ">undone</td>" not in page
    edit = Edit.objects.latest("pk")
    assert (
        "Undoing this edit restores 12 records to their state before the edit."
        in admin_client.get(f"/admin/imports/edit/{edit.pk}/change/").text
    )
    confirm(admin_client, f"/admin/imports/edit/{edit.pk}/undo/")
    assert ">undone</td>" in admin_client.get("/admin/imports/edit/").text


def test_the_page_of_a_deletion_says_that_it_can_be_undone(admin_client, places):
    assert (
        "You can restore it later from “Deleted places”"
        in admin_client.get(f"/admin/people/place/{places[0].pk}/delete/").text
    )
    chosen = {"action": "delete_selected", "_selected_action": [place.pk for place in places[:2]]}
    assert "You can restore them later from “Deleted places”" in admin_client.post("/admin/people/place/", chosen).text


def test_an_error_page_has_a_link_back_and_no_traceback(client, db, caplog, settings):
    answer = reader(client, "view_place").get("/admin/people/person/")
    assert answer.status_code == 403 and "Permission denied" in answer.text
    assert 'href="/">Go to the start page' in answer.text
    assert "<script>" not in answer.text and "style=" not in answer.text
    missing_page = client.get("/nowhere/")
    assert missing_page.status_code == 404 and "There is no page at this address." in missing_page.text
    keep = logging.config.dictConfigClass(settings.LOGGING).configure_filter(settings.LOGGING["filters"]["untraced"])
    [record] = [entry for entry in caplog.records if getattr(entry, "status_code", None) == 403]
    assert keep.filter(record) and record.exc_info is None and record.levelno == logging.WARNING


def test_an_internal_error_has_an_error_page(client, db, monkeypatch):
    monkeypatch.setattr(Person._default_manager.__class__, "get_queryset", lambda manager: 1 / 0)
    client.raise_request_exception = False
    answer = reader(client, "view_person").get("/admin/people/person/")
    assert answer.status_code == 500 and "An internal error occurred and was logged." in answer.text


def test_the_help_text_of_the_search_is_accurate(client, admin_client):
    assert "email" in admin_client.get("/admin/experiments/user/").text.split("searchbar_helptext")[-1][:200]
    page = reader(client, "view_user").get("/admin/experiments/user/").text
    assert "email" not in page.split('id="searchbar_helptext"')[-1][:200]


@pytest.mark.both_engines
@pytest.mark.parametrize("text", ["östersund", "ÖSTER", "sund"])
def test_the_search_for_deleted_records_ignores_case(admin_client, text, db):
    for city in ("Östersund", "Ostend"):
        edits.delete(Place.objects.filter(pk=Place.objects.create(city=city, county="A", country="B").pk), None)
    rows = admin_client.get("/admin/people/place/deleted/", {"q": text}).context["rows"]
    assert [row["label"].rpartition(": ")[2] for row in rows] == ["Östersund"]


def test_runs_are_listed_with_and_found_by_their_files(run_of, client):
    run_of("people.csv", PEOPLE.encode())
    run, _ = run_of("places_Ärla.csv", b"city,county,country\nKelso,R,S\n")
    page = client.get("/admin/imports/importrun/", {"q": "ÄRLA"})
    assert [listed.pk for listed in page.context["cl"].result_list] == [run.pk]
    assert "places_Ärla.csv" in page.text


def test_a_long_malformed_row_is_shortened(run_of, client):
    run, page = run_of("places.csv", b"city,county,country\n" + b"x" * 9_999 + b"y" * 99 + b"\n")
    assert "xxxy … (10,098 bytes in total)</pre>" in page
    row = run.files.get().rejected_rows.get()
    listed, alone = (client.get(f"/admin/imports/rejectedrow/{at}").text for at in ("", f"{row.pk}/change/"))
    assert "xxx…" in listed and "x" * 301 not in listed and "(10,098 bytes in total)" in alone
