"""Uploads: received, stored by SHA-256, or refused with a message."""

import hashlib
from html import unescape
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from imports.models import ImportRun

pytestmark = pytest.mark.only_on("sqlite")

ADDRESS = "/admin/imports/importrun/import/"
PLACES = b"city,county,country\nKelso,Roxburghshire,Scotland\n"


def upload(name="places.csv", content=PLACES):
    return SimpleUploadedFile(name, content)


def kept(settings) -> list[Path]:
    folder = Path(settings.MEDIA_ROOT, "imports")
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def curator(client, transactional_db):
    user = get_user_model().objects.create_user("cora", is_staff=True)
    names = ["add_importrun", "view_importrun"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names, content_type__app_label="imports"))
    client.force_login(user)
    return client


def test_an_upload_is_stored_by_its_sha256_and_waits_for_its_preview(curator, settings):
    answer = curator.post(ADDRESS, {"dataset": "people", "files": upload(), "encoding": "utf-8", "strict": "on"})
    run = ImportRun.objects.get()
    assert answer.url == f"/admin/imports/importrun/{run.pk}/change/"
    sha256 = hashlib.sha256(PLACES).hexdigest()
    assert run.uploads == [{"name": "places.csv", "sha256": sha256, "size": len(PLACES)}]
    assert (run.status, run.dry_run, run.strict, run.started_by.username) == ("waiting", True, True, "cora")
    assert [path.name for path in kept(settings)] == [sha256]
    assert (Path(settings.MEDIA_ROOT) / "imports" / sha256).read_bytes() == PLACES


def test_an_uploaded_view_is_refused_with_the_right_file(curator, tmp_path):
    file = tmp_path / "births_by_country.csv"
    call_command("export", "people/births-by-country", "-o", str(file), verbosity=0)
    page = curator.post(
        ADDRESS, {"dataset": "people", "files": upload(file.name, file.read_bytes()), "encoding": "utf-8"}
    )
    assert page.status_code == 400
    expected = "births_by_country.csv cannot be imported. It is an export of births by country, a summary table"
    assert expected in page.content.decode()


def test_several_files_come_together(curator):
    people = upload("people.csv", b"given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n")
    curator.post(ADDRESS, {"dataset": "people", "files": [upload(), people], "encoding": "utf-8"})
    assert [each["name"] for each in ImportRun.objects.get().uploads] == ["places.csv", "people.csv"]


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (
            upload("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00"),
            "picture.png: looks like a PNG image",
        ),
        (upload("wines.csv", b"grape,year\nMerlot,1990\n"), "wines.csv does not match any source by name or"),
        (upload("places.csv", b"town\nKelso\n"), None),
        (upload("places.csv", b""), "places.csv: The submitted file is empty"),
    ],
    ids=["a picture", "other columns", "a name that fits", "nothing"],
)
def test_a_wrong_kind_of_file_is_reported(curator, file, sentence):
    answer = curator.post(ADDRESS, {"dataset": "people", "files": file, "encoding": "utf-8"})
    if sentence is None:  # the run reports its content
        assert answer.status_code == 302
        return
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not ImportRun.objects.exists()


def test_a_body_above_the_limit_is_refused_before_it_is_read(curator, settings):
    settings.UPLOAD_LIMIT = 20
    answer = curator.post(ADDRESS, {"dataset": "people", "files": upload(content=b"x" * 100_000), "encoding": "utf-8"})
    assert answer.status_code == 413
    assert "larger than the limit of 20\xa0bytes" in answer.content.decode()
    assert "No file of this upload was kept: choose them again." in answer.text
    for page in (answer, curator.get("/admin/")):
        assert 'data-limit="20"' in page.text  # the script refuses such files before they are sent
    assert kept(settings) == [] and not ImportRun.objects.exists()


def test_a_request_without_a_length_is_stopped_at_the_limit(curator, settings):
    settings.UPLOAD_LIMIT = 20
    answer = curator.post(ADDRESS, {"dataset": "people", "files": upload(), "encoding": "utf-8"})
    assert answer.status_code == 413
    assert kept(settings) == [] and not ImportRun.objects.exists()


def test_a_form_without_files_is_refused(curator):
    answer = curator.post(ADDRESS, {"dataset": "people", "encoding": "utf-8"})
    assert "Choose a file or use the site's own files." in unescape(answer.text)


def test_a_file_that_is_identified_by_its_folder_needs_a_name(curator):
    document = upload("subject.json", b'{"subject_id": "695223"}')
    answer = curator.post(ADDRESS, {"dataset": "subjects", "files": document, "encoding": "utf-8"})
    text = answer.content.decode()
    assert "subject.json is named by its folder" in text and "under “New version of”" in text
    assert '<label for="id_known_as">New version of:</label>' in text and "the name of the folder" in text
    data = {"dataset": "subjects", "files": upload("subject.json", b'{"subject_id": "695223"}'), "encoding": "utf-8"}
    assert curator.post(ADDRESS, data | {"known_as": "ecephys_695223_2024-01-01_10-00-00"}).status_code == 302
    assert ImportRun.objects.get().known_as == "ecephys_695223_2024-01-01_10-00-00"


def test_the_dataset_and_the_list_of_runs_link_to_the_upload_page(curator):
    user = get_user_model().objects.get()
    user.user_permissions.add(Permission.objects.get(codename="view_place"))
    assert f'href="{ADDRESS}?dataset=people"' in curator.get("/admin/people/").content.decode()
    assert f'href="{ADDRESS}"' in curator.get("/admin/imports/importrun/").content.decode()
    assert '<option value="people" selected>' in curator.get(f"{ADDRESS}?dataset=people").content.decode()


def test_the_body_is_not_read_without_the_permission(client, transactional_db, settings):
    client.force_login(get_user_model().objects.create_user("ana", is_staff=True))
    assert client.get(ADDRESS).status_code == 403
    answer = client.post(ADDRESS, {"dataset": "people", "files": upload(), "encoding": "utf-8"})
    assert answer.status_code == 403 and kept(settings) == []
