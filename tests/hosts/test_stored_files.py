"""Files that one host receives are stored in a bucket of an S3 server, and all hosts read them there."""

import hashlib
import os
import re
import time
from html import unescape
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection

from datasets.sql.advisory_locks import advisory_lock
from imports import file_storage, upload_storage
from imports.models import ImportRun, SourceFile
from people.models import Place

FORM = "/admin/imports/importrun/import/"
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\nDerry,Derry,Ulster\n"
SHA256 = hashlib.sha256(PLACES.encode()).hexdigest()
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("s3")]


def upload(client, text: str = PLACES, **fields):
    files = [SimpleUploadedFile("places.csv", text.encode())]
    return client.post(FORM, {"dataset": "people", "encoding": "utf-8", "files": files} | fields)


def act(client, what: str) -> ImportRun:
    run = ImportRun.objects.latest("pk")
    assert client.post(f"/admin/imports/importrun/{run.pk}/{what}/").status_code == 302
    return run


def stored_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))


def test_a_form_an_import_and_its_pages_use_different_hosts(admin_client, s3, on_host):
    on_host("web-1")
    answer = upload(admin_client, dataset="nothing")
    keys = list(map(unescape, re.findall(r'name="stored" value="([^"]+)"[^>]* checked', answer.text)))
    assert answer.status_code == 400 and len(keys) == 1

    on_host("web-2")
    assert admin_client.post(FORM, {"dataset": "people", "encoding": "utf-8", "stored": keys}).status_code == 302
    assert s3.names() == [SHA256]

    on_host("worker-1")
    call_command("worker", batch=True)
    on_host("web-1")
    page = admin_client.get(f"/admin/imports/importrun/{ImportRun.objects.get().pk}/change/?tab=new").text
    assert "Kelso" in page and "Roxburghshire" in page
    act(admin_client, "apply")
    on_host("worker-2")
    call_command("worker", batch=True)
    assert Place.objects.count() == 2

    on_host("web-3")
    file = SourceFile.objects.get()
    content = b"".join(admin_client.get(f"/admin/imports/sourcefile/{file.pk}/download/").streaming_content)
    assert content == PLACES.encode()
    assert "Derry" in admin_client.get(f"/admin/imports/sourcefile/{file.pk}/line/3/").text


def test_the_diff_of_each_preview_is_shown_on_another_host(admin_client, s3, on_host):
    upload(admin_client)
    for host in ("worker-1", "worker-2"):
        on_host(host)
        call_command("worker", batch=True)
        on_host("web")
        run = ImportRun.objects.get()
        assert "Kelso" in admin_client.get(f"/admin/imports/importrun/{run.pk}/change/?tab=new").text
        act(admin_client, "preview")
    assert len([name for name in s3.names() if name.startswith("outcomes/")]) == 1
    call_command("worker", batch=True)
    act(admin_client, "discard")
    assert s3.names() == [SHA256]


def test_a_command_stores_its_files_in_the_bucket(s3, on_host, tmp_path):
    on_host("shell")
    (tmp_path / "places.csv").write_text(PLACES)
    call_command("import_people", tmp_path / "places.csv", verbosity=0)
    assert SHA256 in s3.names()


def test_a_file_altered_in_the_bucket_is_not_imported(admin_client, s3, on_host):
    upload(admin_client)
    s3.write(SHA256, PLACES.replace("Ulster", "Munster").encode())
    folder = on_host("worker")
    call_command("worker", batch=True)
    run = ImportRun.objects.get()
    assert run.status == "failed" and "the stored file has changed since it was received" in run.error
    assert stored_files(folder) == []


def test_a_copy_altered_on_a_host_is_fetched_again(admin_client, s3, on_host):
    upload(admin_client)
    folder = on_host("worker")
    call_command("worker", batch=True)
    copy = folder / "copies" / SHA256
    copy.write_text("city\n")
    file = SourceFile.objects.get()
    assert admin_client.get(f"/admin/imports/sourcefile/{file.pk}/download/").status_code == 404
    content = b"".join(admin_client.get(f"/admin/imports/sourcefile/{file.pk}/download/").streaming_content)
    assert content == PLACES.encode() == copy.read_bytes()


def test_a_file_missing_from_the_bucket_is_not_imported(admin_client, s3, on_host):
    upload(admin_client)
    s3.client().delete_object(Bucket="tabularium", Key=f"files/{SHA256}")
    on_host("worker")
    call_command("worker", batch=True)
    assert "the stored file no longer exists" in ImportRun.objects.get().error


def test_requests_and_imports_say_that_the_storage_does_not_respond(admin_client, s3, on_host, monkeypatch):
    monkeypatch.setattr("imports.s3_files.TIMES", {"connect_timeout": 1, "retries": {"max_attempts": 1}})
    upload(admin_client)
    call_command("worker", batch=True)
    run = ImportRun.objects.get()
    s3.stop()
    try:
        on_host("web")
        for address in (f"/admin/imports/importrun/{run.pk}/change/?tab=new", f"/api/imports/{run.pk}/changes/"):
            answer = admin_client.get(address)
            assert answer.status_code == 503 and "The storage of imported files does not respond" in answer.text
        answer = upload(admin_client, PLACES.replace("Kelso", "Ely"))
        assert answer.status_code == 503 and "The storage of uploads does not respond. Nothing was" in answer.text
        with pytest.raises(CommandError, match=r"FILES_STORAGE: The file storage s3://tabularium/files cannot be used"):
            call_command("prepare", verbosity=0)
        act(admin_client, "preview")
        call_command("worker", batch=True)
    finally:
        s3.start()
    run = ImportRun.objects.get()
    assert run.status == "failed" and "The file storage s3://tabularium/files cannot be used" in run.error


def test_an_upload_counts_for_the_quota_on_all_hosts(admin_client, settings, on_host):
    settings.UPLOAD_QUOTA = 2 * len(PLACES) + 400
    on_host("web-1")
    assert upload(admin_client).status_code == 302
    ImportRun.objects.update(status="applied")
    on_host("web-2")
    assert upload(admin_client, PLACES * 5).status_code == 507


def test_copies_have_a_bound_and_files_in_use_stay(admin_client, settings, on_host, monkeypatch):
    names = []
    for city in ("Kelso", "Ely", "Cork"):
        text = PLACES.replace("Kelso", city)
        upload(admin_client, text)
        ImportRun.objects.update(status="applied")
        names.append(hashlib.sha256(text.encode()).hexdigest())
    settings.FILES_COPIES = 2 * len(PLACES)
    folder = on_host("worker")

    def read_all() -> list[str]:
        for name in names:
            assert Path(file_storage.fetched(file_storage.kept_at(name), name)).read_bytes()
        return stored_files(folder)

    assert read_all() == sorted(names)  # used a moment ago
    monkeypatch.setattr(file_storage, "IN_USE", -1)
    for minutes, name in enumerate(reversed(names), 1):
        os.utime(file_storage.kept_at(name), (time.time() - 60 * minutes,) * 2)
    file_storage.remove_copies()
    assert stored_files(folder) == sorted(names[-2:])
    monkeypatch.setattr(file_storage, "UNUSED", -1)
    file_storage.remove_copies()
    assert stored_files(folder) == []


def test_unused_files_are_deleted_unless_another_host_stores_one(admin_client, s3, monkeypatch):
    upload(admin_client)
    monkeypatch.setattr(upload_storage, "UNOWNED", -60)
    assert upload_storage.sweep() == 0  # its run uses it
    ImportRun.objects.update(status="discarded")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock_shared(hashtextextended(%s, 0))", [upload_storage.LOCK])
            with advisory_lock(upload_storage.LOCK, shared=True) as held:
                assert held
            assert upload_storage.sweep() == 0 and s3.names() == [SHA256]
            cursor.execute("SELECT pg_advisory_unlock_all()")
    finally:
        other.close()
    assert upload_storage.sweep() == 1 and s3.names() == []


def test_a_site_with_files_on_one_host_moves_to_a_bucket(admin_client, s3, settings, on_host):
    of_bucket = settings.STORAGES
    settings.STORAGES = {name: each for name, each in of_bucket.items() if name != "imports"}
    on_host("only")
    with pytest.raises(CommandError, match=r"FILES_STORAGE is not set. Type, for example: export FILES_STORAGE=s3://"):
        call_command("upload_stored_files")
    upload(admin_client)
    call_command("worker", batch=True)
    settings.STORAGES = of_bucket
    for uploaded in (1, 0):
        output = StringIO()
        call_command("upload_stored_files", stdout=output)
        assert output.getvalue() == f"Uploaded {uploaded} of 1 files and the lists of changes of {uploaded} runs.\n"
    on_host("web")
    page = admin_client.get(f"/admin/imports/importrun/{ImportRun.objects.get().pk}/change/?tab=new").text
    assert "Kelso" in page and SHA256 in s3.names()
    on_host("nowhere")
    with pytest.raises(CommandError, match=r"is not a folder. Expected the folder with the files of imports."):
        call_command("upload_stored_files")
