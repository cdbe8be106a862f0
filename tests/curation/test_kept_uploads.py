"""The files of an import form with errors are kept, and a file refused as a copy has a button for each remedy."""

import os
import re
import time
from html import unescape
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from imports.models import ImportRun
from people.models import Person, Place
from tests.curation.run_pages import do

pytestmark = pytest.mark.only_on("sqlite")

FORM = "/admin/imports/importrun/import/"
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\nBob,Mac,1902-02-03,Kelso\n"


@pytest.fixture
def kept(settings):
    """Return the names of the files that are kept for forms."""
    return lambda: sorted(path.name for path in Path(settings.MEDIA_ROOT, "imports").glob(".upload-*"))


def post(client, *texts: str, name="places.csv", **fields):
    files = [SimpleUploadedFile(name, text.encode()) for text in texts]
    return client.post(FORM, {"dataset": "people", "encoding": "utf-8", "files": files} | fields)


def keys(answer) -> list[str]:
    """Return the keys of the checked files of a form."""
    return list(map(unescape, re.findall(r'name="stored" value="([^"]+)"[^>]* checked', answer.text)))


def test_the_files_of_a_form_with_errors_are_imported_without_a_second_upload(transactional_db, curator, kept):
    answer = post(curator, PLACES, dataset="nothing")
    assert answer.status_code == 400 and "places.csv (" in answer.text and len(kept()) == 1
    answer = curator.post(FORM, {"dataset": "experiments", "encoding": "utf-8", "stored": keys(answer)})
    assert answer.status_code == 400 and "places.csv does not match any source" in answer.text
    answer = curator.post(FORM, {"dataset": "people", "encoding": "utf-8", "stored": keys(answer)})
    assert answer.status_code == 302 and kept() == []
    call_command("worker", batch=True)
    run = do(curator, ImportRun.objects.get(), "apply")
    assert run.status == "applied" and Place.objects.get().city == "Kelso"


def test_a_cleared_file_is_left_out_and_new_files_are_added(curator, kept):
    answer = post(curator, PLACES, PLACES.replace("Kelso", "Ely"), dataset="nothing")
    first, second = keys(answer)
    answer = post(curator, PEOPLE, name="people.csv", dataset="nothing", stored=[second])
    assert [key.rpartition(":")[2] for key in keys(answer)] == ["people.csv", "places.csv"] and len(kept()) == 2
    answer = curator.post(FORM, {"dataset": "people", "encoding": "utf-8", "stored": [*keys(answer), first]})
    assert "The server no longer has places.csv. Choose these files again." in answer.text
    assert curator.post(FORM, {"dataset": "people", "encoding": "utf-8", "stored": keys(answer)}).status_code == 302
    assert [upload["name"] for upload in ImportRun.objects.get().uploads] == ["people.csv", "places.csv"]


def test_kept_files_belong_to_the_account_and_are_deleted_after_a_day(
    transactional_db, curator, kept, client, settings
):
    [key] = keys(post(curator, PLACES, dataset="nothing"))
    client.force_login(get_user_model().objects.create_superuser("root"))
    for foreign in (key, "x", f"{key.partition(':')[0]}:1:places.csv"):
        answer = client.post(FORM, {"dataset": "people", "encoding": "utf-8", "stored": [foreign]})
        assert answer.status_code == 400 and "The server no longer has" in answer.text, foreign
    assert len(kept()) == 1 and not ImportRun.objects.exists()
    for name in kept():
        os.utime(Path(settings.MEDIA_ROOT, "imports", name), (time.time() - 24 * 60 * 60 - 1,) * 2)
    call_command("worker", batch=True)
    assert kept() == []


def test_a_kept_file_has_no_control_characters_in_its_name(curator, kept):
    [key] = keys(post(curator, PLACES, dataset="nothing"))
    answer = curator.post(FORM, {"dataset": "people", "encoding": "utf-8", "stored": [f"{key}\0"]})
    assert answer.status_code == 400 and "Choose these files again." in answer.text


def test_the_files_of_another_users_run_are_imported_into_its_dataset_only(curator, client):
    assert post(curator, PLACES).status_code == 302
    run = ImportRun.objects.get()
    client.force_login(get_user_model().objects.create_superuser("root"))
    form = {"encoding": "utf-8", "stored": keys(client.get(f"{FORM}?run={run.pk}"))}
    answer = client.post(FORM, form | {"dataset": "experiments"})
    assert answer.status_code == 400 and "places.csv was uploaded to people by another user." in answer.text
    assert client.post(FORM, form | {"dataset": "people"}).status_code == 302


def test_a_failed_run_is_imported_again_with_other_options(curator, previewed):
    run = previewed(places="city,county\nKelso,Roxburghshire\n")
    assert run.status == "failed"
    answer = curator.get(f"{FORM}?run={run.pk}")
    assert answer.context["form"]["dataset"].value() == "people" and len(keys(answer)) == 1
    sent = {"dataset": "people", "encoding": "utf-8", "stored": keys(answer), "allow_missing_columns": "on"}
    assert curator.post(FORM, sent).status_code == 302
    call_command("worker", batch=True)
    assert ImportRun.objects.latest("pk").status == "previewed"
    assert do(curator, run, "discard").status == "discarded"
    assert keys(curator.get(f"{FORM}?run={run.pk}")) == [] and curator.get(f"{FORM}?run=99").status_code == 404


@pytest.mark.parametrize(("remedy", "people"), [("people.csv", 2), ("copy.csv", 4)])
def test_a_copy_is_imported_as_a_new_version_or_as_a_different_file(curator, previewed, remedy, people):
    do(curator, previewed(places=PLACES, people=PEOPLE), "apply")
    run = previewed(copy=PEOPLE)
    page = curator.get(f"/admin/imports/importrun/{run.pk}/change/").text
    assert run.status == "failed"
    assert ">Import as new version of people.csv<" in page and ">Import as different file<" in page
    assert f'name="known_as" value="{remedy}"' in page
    curator.post(f"/admin/imports/importrun/{run.pk}/preview/", {"known_as": remedy})
    call_command("worker", batch=True)
    run.refresh_from_db()
    assert (run.status, run.known_as, run.copy_of) == ("previewed", remedy, {})
    assert do(curator, run, "apply").status == "applied" and Person.objects.count() == people


def test_one_of_several_files_that_is_a_copy_is_imported_alone(curator, previewed):
    do(curator, previewed(places=PLACES, people=PEOPLE), "apply")
    run = previewed(places=PLACES, copy=PEOPLE)
    page = curator.get(f"/admin/imports/importrun/{run.pk}/change/").text
    address = unescape(re.search(r'href="([^"]+)">Import as new version of people.csv<', page)[1])
    form = curator.get(address)
    assert [key.rpartition(":")[2] for key in keys(form)] == ["copy.csv"]
    assert form.context["form"]["known_as"].value() == "people.csv"
    answer = curator.post(f"/admin/imports/importrun/{run.pk}/preview/", {"known_as": "people.csv"}, follow=True)
    assert f"Run {run.pk} was not refused as a copy of people.csv." in answer.text
