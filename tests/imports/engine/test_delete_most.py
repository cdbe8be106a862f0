"""Most of a table is deleted only after confirmation: a checkbox on the page, a parameter of the API."""

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from datasets.tokens import make_token
from imports.models import ImportRun
from people.models import Place

GONE = "140 of 240 records of places are missing and would be deleted"


@pytest.fixture
def curator(client, transactional_db):
    client.force_login(user := get_user_model().objects.create_superuser("cora"))
    _, secret = make_token(user, "nightly", ["read", "import"])
    client.bearer = {"authorization": f"Bearer {secret}"}
    call_command("import_people", _towns_at(client, range(240)), verbosity=0)
    return client


@pytest.fixture(autouse=True)
def folder(client, tmp_path):
    client.folder = tmp_path


def towns(numbers) -> str:
    return "city,county,country\n" + "".join(f"Town {n},A,B\n" for n in numbers)


def _towns_at(client, numbers):
    path = client.folder / "places.csv"
    path.write_text(towns(numbers))
    return path


def fewer() -> SimpleUploadedFile:
    return SimpleUploadedFile("places.csv", towns(range(100)).encode())


def work(run: ImportRun | None = None) -> ImportRun:
    call_command("worker", batch=True)
    return ImportRun.objects.latest("pk")


def test_the_browser_asks_for_a_confirmation(curator):
    form = {"dataset": "people", "files": [fewer()], "encoding": "utf-8", "delete_missing": "on"}
    assert "delete_most" not in curator.get("/admin/imports/importrun/import/").text
    assert curator.post("/admin/imports/importrun/import/", form).status_code == 302
    run = work()
    address = f"/admin/imports/importrun/{run.pk}/"
    page = curator.get(f"{address}change/").text
    assert f"{GONE}, which is most of the table." in page and "Delete 140 of 240 places</label>" in page
    refused = curator.post(f"{address}apply/", follow=True).text
    assert f"{GONE}. Nothing was changed." in refused and work().status == "previewed"
    curator.post(f"{address}apply/", {"delete_most": "on"})
    assert work().status == "applied" and Place.objects.count() == 100
    assert "even more than half of a table" in curator.get(f"{address}change/").text


@pytest.mark.only_on("sqlite")
def test_a_few_records_are_deleted_without_a_confirmation(curator):
    file = SimpleUploadedFile("places.csv", towns(range(150)).encode())
    form = {"dataset": "people", "files": [file], "encoding": "utf-8", "delete_missing": "on"}
    curator.post("/admin/imports/importrun/import/", form)
    address = f"/admin/imports/importrun/{work().pk}/"
    assert "delete_most" not in curator.get(f"{address}change/").text
    curator.post(f"{address}apply/")
    assert work().status == "applied" and Place.objects.count() == 150


def test_a_change_in_between_needs_a_new_confirmation(curator):
    form = {"dataset": "people", "files": [fewer()], "encoding": "utf-8", "delete_missing": "on"}
    curator.post("/admin/imports/importrun/import/", form)
    run = work()
    call_command("import_people", _towns_at(curator, range(241)), verbosity=0)
    curator.post(f"/admin/imports/importrun/{run.pk}/apply/", {"delete_most": "on"})
    work()
    assert "Delete 141 of 241 places" in curator.get(f"/admin/imports/importrun/{run.pk}/change/").text
    assert Place.objects.count() == 241


@pytest.mark.only_on("sqlite")
def test_an_api_client_sends_delete_most(curator):
    client, headers = curator, curator.bearer
    client.logout()
    order = {"dataset": "people", "delete_missing": "true", "mode": "preview"}
    run = client.post("/api/imports/", order | {"files": [fewer()]}, headers=headers).json()
    work()
    address = f"/api/imports/{run['id']}/"
    data = client.get(address, headers=headers).json()
    assert data["notes"][0].startswith(GONE) and data["delete_most"] is False
    refused = client.post(f"{address}apply/", headers=headers)
    assert refused.status_code == 409 and GONE in refused.json()["detail"]
    for wrong in ({"delete_most": "yes"}, {"remove_all": True}):
        answer = client.post(f"{address}apply/", wrong, content_type="application/json", headers=headers)
        assert answer.status_code == 400 and next(iter(wrong)) in answer.text
    sent = {"delete_most": True}
    assert client.post(f"{address}apply/", sent, content_type="application/json", headers=headers).status_code == 202
    assert work().status == "applied" and Place.objects.count() == 100


@pytest.mark.only_on("sqlite")
def test_a_direct_import_sends_delete_most(curator):
    client, headers = curator, curator.bearer
    client.logout()
    order = {"dataset": "people", "mode": "apply", "delete_missing": "true"}
    client.post("/api/imports/", order | {"files": [fewer()]}, headers=headers)
    run = work()
    assert run.status == "failed" and GONE in run.error and "--" not in run.error
    alone = client.post(
        "/api/imports/",
        {"dataset": "people", "mode": "apply", "delete_most": "true", "files": [fewer()]},
        headers=headers,
    )
    assert alone.status_code == 400 and "delete_most requires delete_missing" in alone.text
    client.post("/api/imports/", order | {"delete_most": "true", "files": [fewer()]}, headers=headers)
    assert work().status == "applied" and Place.objects.count() == 100
