"""Kept files are read by their bytes, not by their names: a file that changed after its receipt is never imported."""

import hashlib
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from imports.models import ImportRun, RejectedRow
from people.models import Person, Place
from subjects.models import Session, Subject

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"
SUBJECT = '{"subject_id": "700661", "date_of_birth": "2024-01-02"}'
IMPORT = "/admin/imports/importrun/import/"


@pytest.fixture
def kept(settings):
    """Return the path of the stored bytes of a text."""
    return lambda text: Path(settings.MEDIA_ROOT, "imports", hashlib.sha256(text.encode()).hexdigest())


@pytest.fixture
def previewed(admin_client, transactional_db):
    """Upload files, let a worker preview them, and return the run."""

    def previewed(dataset, **options):
        files = [SimpleUploadedFile(name, text.encode()) for name, text in options.pop("files").items()]
        answer = admin_client.post(IMPORT, {"dataset": dataset, "files": files, "encoding": "utf-8"} | options)
        assert answer.status_code == 302, answer.text
        call_command("worker", batch=True)
        return ImportRun.objects.latest("pk")

    return previewed


def action_on(client, run, what):
    client.post(f"/admin/imports/importrun/{run.pk}/{what}/")
    call_command("worker", batch=True)
    run.refresh_from_db()
    return run


ALTERED = {
    "a value": lambda text: text.replace("Derry,Ulster", "Derry,Leinster"),
    "a row more": lambda text: f"{text}Cork,Cork,Munster\n",
    "a row less": lambda text: text.replace("Derry,Derry,Ulster\n", ""),
    "a blank at the end": lambda text: f"{text} \n",
    "nothing left": lambda text: "",
}


@pytest.mark.parametrize("change", ALTERED.values(), ids=ALTERED)
def test_bytes_that_change_between_preview_and_apply_are_refused(admin_client, previewed, kept, change):
    run = previewed("people", files={"places.csv": PLACES})
    assert run.status == "previewed"
    kept(PLACES).write_text(change(PLACES))
    run = action_on(admin_client, run, "apply")
    assert run.status == "failed" and not Place.objects.exists()
    assert run.error.startswith("places.csv: the stored file has changed since it was received (SHA-256 ")
    assert "Import the original file again." in run.error and str(kept(PLACES)) not in run.error
    # The page does not show the current content of the file. Importing the original file again repairs the store.
    assert "Leinster" not in admin_client.get(f"/admin/imports/importrun/{run.pk}/change/").text
    assert action_on(admin_client, previewed("people", files={"places.csv": PLACES}), "apply").status == "applied"
    assert kept(PLACES).read_text() == PLACES and Place.objects.count() == 2


@pytest.mark.parametrize("dataset", ["people", "subjects"])
@pytest.mark.parametrize("what", ["apply", "preview"])
def test_missing_bytes_must_be_uploaded_again(admin_client, previewed, kept, dataset, what):
    name, text = {"people": ("places.csv", PLACES), "subjects": ("ecephys_700661.json", SUBJECT)}[dataset]
    run = previewed(dataset, files={name: text})
    kept(text).unlink()
    run = action_on(admin_client, run, what)
    assert run.status == "failed" and not Place.objects.exists() and not Subject.objects.exists()
    assert (
        run.error == f"{name}: the stored file no longer exists. Nothing was imported. Upload the original file again."
    )
    assert action_on(admin_client, previewed(dataset, files={name: text}), "apply").status == "applied"


def test_another_preview_of_the_same_run_refuses_them_too(admin_client, previewed, kept):
    run = previewed("people", files={"places.csv": PLACES})
    kept(PLACES).write_text(PLACES.replace("Ulster", "Ireland"))
    action_on(admin_client, run, "apply")
    run = action_on(admin_client, run, "preview")
    assert run.status == "failed" and "the stored file has changed" in run.error


def test_one_altered_file_stops_the_run(admin_client, previewed, kept):
    run = previewed("people", files={"places.csv": PLACES, "people.csv": PEOPLE})
    kept(PEOPLE).write_text(PEOPLE.replace("Ann", "Eve"))
    run = action_on(admin_client, run, "apply")
    assert run.status == "failed" and run.error.startswith(
        "people.csv: the stored file has changed since it was received"
    )
    assert not Place.objects.exists() and not Person.objects.exists()


def test_an_altered_document_stops_the_run_and_is_not_a_rejected_row(admin_client, previewed, kept):
    run = previewed("subjects", files={"ecephys_700661.json": SUBJECT})
    kept(SUBJECT).write_text(SUBJECT.replace("700661", "700662"))
    run = action_on(admin_client, run, "apply")
    assert run.status == "failed" and run.error.startswith(
        "ecephys_700661.json: the stored file has changed since it was received"
    )
    assert not Subject.objects.exists() and not Session.objects.exists() and not RejectedRow.objects.exists()


def test_bytes_that_change_before_a_worker_takes_the_run_up_are_refused(admin_client, kept, transactional_db):
    file = SimpleUploadedFile("places.csv", PLACES.encode())
    answer = admin_client.post("/api/imports/", {"dataset": "people", "mode": "apply", "files": file})
    assert answer.status_code == 202, answer.text
    kept(PLACES).write_text(PLACES.replace("Ulster", "Ireland"))
    call_command("worker", batch=True)
    assert ImportRun.objects.latest("pk").status == "failed" and not Place.objects.exists()


def test_the_command_reads_the_given_file_and_not_the_stored_bytes(write, importing, kept):
    kept(PLACES).parent.mkdir(parents=True)
    kept(PLACES).write_text(PLACES.replace("Ulster", "Leinster"))
    importing("people", write("places.csv", PLACES))
    assert set(Place.objects.values_list("country", flat=True)) == {"Scotland", "Ulster"}
    assert kept(PLACES).read_text() == PLACES


def test_downloaded_rejected_rows_do_not_contain_altered_bytes(admin_client, importing, write, kept):
    bad = PLACES + "Cork,,Munster\n"
    file = ImportRun.objects.get(pk=importing("people", write("places.csv", bad))["run"]).files.get()
    kept(bad).write_text(bad.replace("county", "county,secret").replace(",,", ",,x,"))
    sent = admin_client.get(f"/admin/imports/importrun/file/{file.pk}/rejected/").getvalue().decode()
    assert "Cork" in sent and "secret" not in sent
    document = '{"subject_id": "1", "sex": "none"}'
    report = importing("subjects", write("one/subject.json", document))
    kept(document).write_text('{"subject_id": "1", "sex": "secret"}')
    for file in ImportRun.objects.get(pk=report["run"]).files.filter(rejected=1):
        sent = admin_client.get(f"/api/imports/{report['run']}/rejections/?format=ndjson&file={file.pk}").getvalue()
        assert b"secret" not in sent
