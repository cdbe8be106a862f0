"""Imports over HTTP: start, follow, apply, cancel and undo them; and their errors."""

import csv
import io
import json

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from curation.models import Comment
from imports.models import Edit, ImportRun, RejectedRow, ResolvedRow
from people.models import Person, Place

IMPORTS = "/api/imports/"
SOURCES = {"dataset": "people", "sources": "configured"}
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
HEADER = "given_name,family_name,date_of_birth,place_of_birth\n"
PEOPLE = HEADER + "Ann,Mac,1901-02-03,Kelso\nGus,Elm,1901-02-30,Atlantis\n"
EVERYTHING = ("add_importrun", "view_importrun", "undo_importrun", "view_rejectedrow", "add_comment")


def test_a_client_imports_the_configured_sources_and_follows_the_run(etl, sources):
    sources(places=PLACES, people=PEOPLE)
    answer = etl.order(SOURCES)
    run = answer.json()
    assert answer.status_code == 202 and answer["Location"] == run["url"] and answer["Cache-Control"] == "no-store"
    assert run["url"].endswith(f"/api/imports/{run['id']}/") and run["links"].keys() == {"cancel"}
    assert (run["status"], run["mode"], run["started_by"]) == ("waiting", "apply", "etl")
    assert run["progress"]["bytes_read"] == 0
    run = etl.worked(run)
    assert (run["status"], run["progress"], run["error"]) == ("applied", None, "")
    streamed_text = {each["source"]: (each["read"], each["created"], each["rejected"]) for each in run["sources"]}
    assert streamed_text == {"places": (1, 1, 0), "people": (2, 1, 1)}
    assert run["sources"][0]["files"][0]["name"] == "places.csv" and run["links"].keys() == {
        "rejections",
        "changes",
        "undo",
    }
    assert Person.objects.get().given_name == "Ann"


def test_files_are_sent_previewed_applied_and_undone(etl):
    run = etl.send(files={"places": PLACES}, mode="preview", strict="true")
    assert (run["mode"], run["strict"], run["uploads"][0]["name"]) == ("preview", True, "places.csv")
    run = etl.worked(run)
    assert run["status"] == "previewed" and "apply" in run["links"] and not Place.objects.exists()
    applied = etl.post(f"/api/imports/{run['id']}/apply/")
    assert applied.status_code == 202 and applied.json()["mode"] == "apply"
    assert etl.worked(run)["status"] == "applied" and Place.objects.count() == 1
    undone = etl.post(f"/api/imports/{run['id']}/undo/")
    assert undone.status_code == 200 and undone.json()["status"] == "undone"
    assert undone.json()["steps"][0]["effects"] == ["1 place deleted"] and not Place.objects.exists()
    redone = etl.post(undone.json()["links"]["redo"], {"reason": "right after all"}).json()
    assert redone["status"] == "applied" and redone["steps"][0]["effects"] == ["1 place re-created"]
    assert Place.objects.exists()
    refused = etl.post(f"/api/imports/{run['id']}/redo/")
    assert refused.status_code == 409 and "Only an undone run can be redone." in refused.json()["reasons"][0]


@pytest.mark.only_on("sqlite")
def test_an_import_and_its_undo_have_reasons(etl):
    run = etl.send(files={"places": PLACES}, mode="preview", reason=" first delivery ")
    assert (run["reason"], etl.worked(run)["reason"]) == ("first delivery", "first delivery")
    address = f"/api/imports/{run['id']}/"
    for action in ("apply", "undo"):
        answer = etl.post(f"{address}{action}/", {"reason": "x" * 501})
        assert answer.status_code == 400 and "500 characters" in answer.json()["errors"]["reason"][0]
    assert etl.post(f"{address}apply/", {"reason": "checked"}).json()["reason"] == "checked"
    assert etl.worked(run)["reason"] == "checked"
    assert etl.post(f"{address}undo/", {"reason": "wrong folder"}).json()["reason"] == "checked"
    assert Edit.objects.get().reason == "wrong folder"


@pytest.mark.only_on("sqlite")
def test_imports_have_comments(asking):
    client = asking(*EVERYTHING)
    run = client.send(files={"places": PLACES})
    address = f"/api/imports/{run['id']}/comments/"
    for text in ("Two rows\r\nare late ", "Ask ann@example.org"):
        answer = client.post(address, {"text": text})
        assert answer.status_code == 201
    assert (answer.json()["user"], answer.json()["text"]) == ("etl", "Ask (hidden)")
    page = client.get(address).json()
    assert [comment["text"] for comment in page["results"]] == ["Ask (hidden)", "Two rows\nare late"]
    assert client.get(client.get(f"{address}?page_size=1").json()["next"]).json()["results"] == page["results"][1:]
    for sent in ({}, {"text": " "}, {"text": "x" * 2001}, {"text": "x", "more": 1}):
        assert client.post(address, sent).status_code == 400
    assert client.post("/api/imports/999999/comments/", {"text": "x"}).status_code == 404
    assert Comment.objects.count() == 2


def test_a_waiting_import_can_be_cancelled_once(etl):
    run = etl.send(files={"places": PLACES})
    assert etl.post(f"/api/imports/{run['id']}/cancel/").json()["status"] == "cancelled"
    answer = etl.post(f"/api/imports/{run['id']}/cancel/")
    assert answer.status_code == 409 and "is already cancelled." in answer.json()["detail"]
    answer = etl.post(f"/api/imports/{run['id']}/apply/")
    assert answer.status_code == 409 and answer.json()["run"] == run["url"]


def test_a_second_import_of_the_dataset_names_the_first(etl, sources):
    sources(places=PLACES)
    first = etl.order(SOURCES).json()
    for answer in (etl.order(SOURCES), etl.order(SOURCES | {"mode": "preview"})):
        assert answer.status_code == 409 and answer.json()["run"] == first["url"]
        assert f"Run {first['id']} of people is waiting to start" in answer.json()["detail"]
    assert etl.order(SOURCES | {"dataset": "census"}).status_code == 400  # there are no files for this dataset
    assert ImportRun.objects.count() == 1


def test_a_previewed_run_is_not_applied_while_another_waits(etl):
    run = etl.worked(etl.send(files={"places": PLACES}, mode="preview"))
    other = etl.send(files={"places": PLACES})
    answer = etl.post(f"/api/imports/{run['id']}/apply/")
    assert answer.status_code == 409 and answer.json()["run"] == other["url"]


@pytest.mark.only_on("sqlite")
def test_permissions_are_those_of_the_admin(asking, sources):
    sources(places=PLACES)
    run = asking(*EVERYTHING).send(files={"places": PLACES})
    addresses = [
        ("get", IMPORTS, "view_importrun", 200),
        ("get", f"/api/imports/{run['id']}/", "view_importrun", 200),
        ("get", f"/api/imports/{run['id']}/rejections/", "view_rejectedrow", 200),
        ("get", f"/api/imports/{run['id']}/comments/", "view_importrun", 200),
        ("get", f"/api/imports/{run['id']}/changes/", "view_importrun", 403),  # and that to view the tables
        ("post", f"/api/imports/{run['id']}/comments/", "add_comment", 400),
        ("post", IMPORTS, "add_importrun", 400),
        ("post", f"/api/imports/{run['id']}/apply/", "add_importrun", 409),
        ("post", f"/api/imports/{run['id']}/preview/", "add_importrun", 409),
        ("post", f"/api/imports/{run['id']}/undo/", "undo_importrun", 409),
        ("post", f"/api/imports/{run['id']}/redo/", "undo_importrun", 409),
        ("post", f"/api/imports/{run['id']}/cancel/", "add_importrun", 202),
    ]
    for place, (method, address, permission, status) in enumerate(addresses):
        anonymous = getattr(Client(), method)(address)
        assert (anonymous.status_code, anonymous["WWW-Authenticate"]) == (401, "Bearer")
        others = asking(*{*EVERYTHING} - {permission}, name=f"others {place}")
        assert getattr(others, method)(address).status_code == 403
        assert getattr(asking(permission, name=f"just {place}"), method)(address).status_code == status


@pytest.mark.only_on("sqlite")
def test_the_body_is_not_read_without_the_permission(asking, settings):
    asking("view_importrun").send(403, files={"places": PLACES})
    assert not (settings.MEDIA_ROOT / "imports").exists()


@pytest.mark.only_on("sqlite")
def test_a_browser_session_needs_a_csrf_token(etl, sources):
    sources(places=PLACES)
    client = type(etl)(enforce_csrf_checks=True)
    client.force_login(get_user_model().objects.create_superuser("root"))
    answer = client.order(SOURCES)
    assert answer.status_code == 403 and "X-CSRFToken" in answer.json()["detail"]
    file = SimpleUploadedFile("places.csv", PLACES.encode())
    client.get("/change-password/")
    secret = client.cookies["csrftoken"].value
    fields = {"dataset": "people", "files": file, "csrfmiddlewaretoken": secret}
    assert client.post(IMPORTS, fields).status_code == 403  # the body of the upload is not read
    assert client.order(SOURCES, x_csrftoken=secret).status_code == 202


def test_imports_are_paginated_and_filtered(etl):
    for _ in range(3):
        etl.worked(etl.send(files={"places": PLACES}))
    page = etl.get("/api/imports/?page_size=2").json()
    assert [run["id"] for run in page["results"]] == sorted((run["id"] for run in page["results"]), reverse=True)
    rest = etl.get(page["next"]).json()
    assert [len(page["results"]), len(rest["results"]), rest["next"]] == [2, 1, None]
    assert len(etl.get("/api/imports/?dataset=people&status=applied").json()["results"]) == 3
    assert etl.get("/api/imports/?status=failed").json()["results"] == []
    for query, name in [("status=done", "status"), ("sort=x", "sort"), ("page_size=0", "page_size"), ("cursor=x",) * 2]:
        answer = etl.get(f"/api/imports/?{query}")
        assert answer.status_code == 400 and name.partition("=")[0] in answer.json()["errors"]
    assert etl.get("/api/imports/999999/").status_code == 404
    assert etl.get("/api/").json()["imports"].endswith(IMPORTS)


def test_rejected_rows_are_paginated_and_can_be_downloaded_for_fixing(etl, client):
    bad = HEADER + "".join(f"G{n},F,1901-02-30,Kelso\n" for n in range(3))
    run = etl.worked(etl.send(files={"places": PLACES, "people": bad}))
    address = f"/api/imports/{run['id']}/rejections/"
    page = etl.get(f"{address}?page_size=2").json()
    rows = page["results"] + etl.get(page["next"]).json()["results"]
    assert [(row["source"], row["line"], row["values"]["given_name"]) for row in rows] == [
        ("people", 2, "G0"),
        ("people", 3, "G1"),
        ("people", 4, "G2"),
    ]
    assert rows[0]["problems"][0]["column"] == "date_of_birth"
    table = etl.get(f"{address}?format=csv")
    content = b"".join(table)
    client.force_login(get_user_model().objects.create_superuser("root"))
    for_a_spreadsheet = b"".join(client.get(f"/admin/imports/importrun/file/{rows[0]['file']}/rejected/"))
    assert content == for_a_spreadsheet.replace(b",cells_defused", b"").replace(b",yes\r\n", b"\r\n")
    assert "people.csv.rejected" in table["Content-Disposition"]
    assert [row["line"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))] == ["2", "3", "4"]
    lines = b"".join(etl.get(address, headers={"accept": "application/x-ndjson"})).splitlines()
    assert json.loads(lines[1]) | {"problems": ""} == {
        "given_name": "G1",
        "family_name": "F",
        "date_of_birth": "1901-02-30",
        "place_of_birth": "Kelso",
        "line": 3,
        "problems": "",
    }
    assert etl.get(f"{address}?file=0").status_code == 400 and etl.get(f"{address}?format=xml").status_code == 400


def test_a_rejected_row_shows_its_state(etl):
    bad = HEADER + "".join(f"G{n},F,1901-02-30,Kelso\n" for n in range(3))
    run = etl.worked(etl.send(files={"places": PLACES, "people": bad}))
    address = f"/api/imports/{run['id']}/rejections/"
    fixed = f"line,problems,{HEADER}3,,G1,F,1901-02-28,Kelso\n"
    fixing = etl.worked(etl.send(files={f"people.csv.rejected-{run['id']}": fixed}))
    ignored = RejectedRow.objects.get(line=4)
    ResolvedRow.objects.create(
        source="people", name="people.csv", identity=ignored.identity, state="ignored", reason="not a person"
    )
    rows = etl.get(address).json()["results"]
    record = str(Person.objects.get(given_name="G1").pk)
    assert [(row["state"], row["fixed_by"], row["record"], row["reason"]) for row in rows] == [
        ("open", None, None, ""),
        ("fixed", fixing["id"], record, ""),
        ("ignored", None, None, "not a person"),
    ]
    for state, line in (("open", 2), ("fixed", 3), ("ignored", 4)):
        assert [row["line"] for row in etl.get(f"{address}?state={state}").json()["results"]] == [line]
    assert etl.get(f"{address}?state=fixed&format=csv").status_code == 400
    assert b"".join(etl.get(f"{address}?format=csv")).count(b"\r\n") == 2  # the header and the open row
    again = etl.worked(etl.send(files={"people": bad}))
    counts = next(source for source in again["sources"] if source["source"] == "people")
    assert (counts["rejected"], counts["fixed_before"], counts["ignored"]) == (1, 1, 1)


def test_personal_data_are_masked_in_rejected_rows(etl, asking):
    table = "user_id,name,email,signup_date\n1,Ann,ann@example.com,never\n"
    file = SimpleUploadedFile("users.csv", table.encode())
    run = etl.post(IMPORTS, {"dataset": "experiments", "mode": "apply", "files": file}).json()
    etl.worked(run)
    address = f"/api/imports/{run['id']}/rejections/"
    may_see = asking("view_rejectedrow", "view_email", name="may see")
    for query in ("", "?format=csv", "?format=ndjson"):
        assert "ann@example.com" not in streamed_text(etl.get(address + query))
        assert "a****@example.com" in streamed_text(etl.get(address + query))
        assert "ann@example.com" in streamed_text(may_see.get(address + query))


def streamed_text(answer) -> str:
    assert answer.status_code == 200
    return b"".join(answer).decode()


@pytest.mark.only_on("sqlite")
def test_a_curator_looks_at_imports_in_a_browser(etl, sources, client):
    sources(places=PLACES)
    run = etl.order(SOURCES).json()
    client.force_login(get_user_model().objects.create_superuser("root"))
    for address in ("/api/", IMPORTS, run["url"], run["url"] + "rejections/"):
        page = client.get(address, headers={"accept": "text/html"})
        assert page.status_code == 200 and page["Content-Type"].startswith("text/html")
    page = client.post(run["url"] + "undo/", headers={"accept": "text/html"})
    assert page.status_code == 409 and "Only an applied run can be undone." in page.text
    page = client.post(run["url"] + "apply/", headers={"accept": "text/html"})
    assert page.status_code == 409 and "Only previewed runs can be applied" in page.text
    page = client.post(IMPORTS, SOURCES, content_type="application/json", headers={"accept": "text/html"})
    assert page.status_code == 409 and f"Run {run['id']} of people is waiting to start" in page.text


@pytest.mark.only_on("sqlite")
def test_a_page_links_only_to_permitted_pages(etl, sources, client):
    sources(places=PLACES)
    run = etl.worked(etl.order(SOURCES).json())
    client.force_login(get_user_model().objects.create_superuser("root"))
    page = client.get(run["url"], headers={"accept": "text/html"}).text
    posted = client.post(run["links"]["undo"], headers={"accept": "text/html"}).text  # with the way back
    assert f'<a href="{run["links"]["rejections"]}" rel="nofollow">' in page
    assert run["links"]["undo"] in page  # as a text
    assert '/undo/"' not in page and '/undo/"' not in posted


@pytest.mark.only_on("sqlite")
def test_an_unknown_import_is_named_and_the_options_are_listed(etl):
    assert etl.get("/api/imports/999999/").json()["detail"] == "There is no import 999999."
    rejections, places = "/api/imports/1/rejections/?format=csv", "/api/people/places/?format=csv"
    for address in (IMPORTS, "/api/imports/999999/undo/", rejections, places):
        answer = etl.options(address)
        assert answer.status_code == 200 and answer.json()["name"]


@pytest.mark.only_on("sqlite")
def test_a_disallowed_method_gets_405_with_any_parameters(etl):
    for address in (IMPORTS, "/api/imports/1/rejections/?nothing=1"):
        assert etl.put(address).status_code == 405
