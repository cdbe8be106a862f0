"""Lifetime of uploads: temporary until a run owns them, refused without space, swept without a run."""

import os
import tempfile
import time
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection

from datasets.tokens import make_token
from imports import tasks
from imports.models import ImportRun
from people.models import Place

pytestmark = pytest.mark.only_on("sqlite")

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
FORM = "/admin/imports/importrun/import/"
DAY = 24 * 60 * 60


@pytest.fixture
def root(transactional_db):
    return get_user_model().objects.create_superuser("root")


@pytest.fixture
def upload(client, root):
    """Upload a file of places on the page or to the API; return the response."""
    client.force_login(root)
    _, secret = make_token(root, "etl", ["read", "import"])

    def upload(text=PLACES, name="places.csv", mode="preview", by="page", **fields):
        file = SimpleUploadedFile(name, text.encode())
        if by == "page":
            return client.post(FORM, {"dataset": "people", "encoding": "utf-8", "files": file} | fields)
        headers = {"authorization": f"Bearer {secret}"}
        sent = {"dataset": "people", "mode": mode, "files": file} | fields
        return client.post("/api/imports/", sent, headers=headers)

    return upload


@pytest.fixture
def kept(settings):
    def kept() -> list[Path]:
        files = [path for path in Path(settings.MEDIA_ROOT, "imports").glob("*") if path.is_file()]
        return sorted(path for path in files if path.suffix != ".lock")

    return kept


@pytest.fixture
def full_disk(monkeypatch):
    """Simulate a full disk for every write to a new temporary file."""
    make = tempfile.NamedTemporaryFile

    def made(*args, **options):
        file, full = make(*args, **options), os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, file.fileno())
        os.close(full)
        return file

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", made)
    return monkeypatch


@pytest.mark.parametrize("by", ["page", "API"])
@pytest.mark.parametrize("rows", [1, 30_000], ids=["at its end", "on the way"])
def test_a_full_disk_is_reported_and_the_upload_is_removed(upload, kept, full_disk, by, rows):
    text = PLACES + "".join(f"City {n},Roxburghshire,Scotland\n" for n in range(rows))
    answer = upload(text, by=by)
    assert answer.status_code == 507 and "The server has no disk space for this upload." in answer.content.decode()
    assert by == "page" or answer["Content-Type"] == "application/problem+json"
    assert kept() == [] and not ImportRun.objects.exists()
    full_disk.undo()
    assert upload(text, by=by).status_code in (302, 202) and len(kept()) == 1


def test_a_refused_upload_leaves_no_files(upload, kept, client):
    assert upload("grape\nMerlot\n", "wines.csv", by="API").status_code == 400
    assert upload(by="API", mode="wonder").status_code == 400
    assert upload(by="API", strict="perhaps").status_code == 400
    assert kept() == []
    assert upload(by="API").status_code == 202
    assert upload(PLACES + "Derry,Antrim,Ireland\n", by="API").status_code == 409  # while the other waits
    assert len(kept()) == 1
    client.handler.enforce_csrf_checks = True
    assert upload(PLACES + "Derry,Antrim,Ireland\n").status_code == 403
    assert len(kept()) == 1


@pytest.mark.both_engines
def test_the_worker_removes_files_without_a_run_after_a_day(upload, kept, write, importing):
    owned = upload().url
    call_command("worker", batch=True)
    run = ImportRun.objects.get()
    tasks.apply(run)
    call_command("worker", batch=True)
    upload(PLACES + "Derry,Antrim,Ireland\n")
    call_command("worker", batch=True)
    tasks.discard(ImportRun.objects.first())
    importing("people", write("places.csv", PLACES + "Ely,Cambridgeshire,England\n"))
    folder = kept()[0].parent
    (folder / ("0" * 64)).write_bytes(b"of a process that was killed")
    (folder / ".upload-half").write_bytes(b"half of it")
    (folder / "tmpcopy").write_bytes(b"of the command line")
    assert len(kept()) == 6
    call_command("worker", batch=True)
    assert len(kept()) == 6  # all files are younger than a day
    for file in folder.iterdir():
        os.utime(file, (time.time() - DAY - 1,) * 2)
    (folder / ".upload-new").write_bytes(b"it arrives just now")
    call_command("worker", batch=True)
    names = {file.name for file in kept()}
    assert (folder / ".import of people.lock").exists() == (connection.vendor == "sqlite")
    assert len(names) == 3 and {upload["sha256"] for upload in run.uploads} < names and ".upload-new" in names
    assert Place.objects.count() == 2 and owned.endswith(f"{run.pk}/change/")


def test_a_file_that_is_uploaded_again_is_not_removed(upload, kept):
    upload()
    call_command("worker", batch=True)
    tasks.discard(ImportRun.objects.get())
    os.utime(kept()[0], (time.time() - DAY - 1,) * 2)
    upload()
    call_command("worker", batch=True)
    assert ImportRun.objects.first().status == "previewed" and len(kept()) == 1


def test_a_run_that_failed_or_was_cancelled_is_discarded_with_its_bytes(upload, kept, client):
    pages = [upload("town\nKelso\n").url, None]
    call_command("worker", batch=True)
    pages[1] = upload().url
    tasks.cancel(ImportRun.objects.first())
    assert {run.status for run in ImportRun.objects.all()} == {"failed", "cancelled"}
    for page in pages:
        assert ">Discard run " in client.get(page).content.decode()
        client.post(page.replace("change/", "discard/"))
        assert ">Discard run" not in client.get(page).content.decode()
    for file in kept():
        os.utime(file, (time.time() - DAY - 1,) * 2)
    call_command("worker", batch=True)
    assert kept() == [] and {run.status for run in ImportRun.objects.all()} == {"discarded"}


def test_a_full_disk_is_reported_at_the_command_line_too(write, refused, kept, full_disk):
    message = refused("people", write("places.csv", PLACES))
    assert "No space left on device" in message and kept() == [] and not Place.objects.exists()


@pytest.mark.parametrize("by", ["page", "API"])
def test_stored_uploads_are_limited_per_account_and_in_total(upload, kept, settings, client, by):
    size = len(PLACES) + 1000  # including the other fields of the form
    settings.UPLOAD_QUOTA_ACCOUNT = size
    assert upload(by=by).status_code in (302, 202)
    call_command("worker", batch=True)
    other = PLACES + "x" * 1000
    answer = upload(other, by=by)
    assert answer.status_code == 507 and "Discard runs that you do not need" in answer.content.decode()
    tasks.discard(ImportRun.objects.get())
    assert upload(PLACES + "Derry,Antrim,Ireland\n", by=by).status_code in (302, 202)  # discarded bytes do not count
    settings.UPLOAD_QUOTA_ACCOUNT, settings.UPLOAD_QUOTA = 0, size
    answer = upload(other, by=by)
    assert answer.status_code == 507 and "Ask an administrator for more space" in answer.content.decode()
    assert len(kept()) == 2


def test_the_used_and_free_space_of_uploads_are_metrics(upload, client):
    upload()
    response = client.get("/metrics").content.decode()
    assert f"tabularium_uploads_bytes {len(PLACES)}.0" in response
    assert "tabularium_uploads_free_bytes " in response and "tabularium_uploads_disk_bytes " in response
