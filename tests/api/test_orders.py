"""Import requests: errors name the invalid field, and a repeated key returns the same run."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections

from api import import_requests
from imports.models import ImportRun

IMPORTS = "/api/imports/"
SOURCES = {"dataset": "people", "sources": "configured"}
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"


def test_a_request_that_is_repeated_with_its_key_is_the_same_run(etl, asking, sources):
    sources(places=PLACES)
    first = etl.order(SOURCES, idempotency_key="night 1")
    again = etl.order(SOURCES, idempotency_key="night 1")
    assert (again.status_code, again["Location"]) == (202, first["Location"])
    etl.worked(first.json())
    assert etl.order(SOURCES, idempotency_key="night 1").json()["status"] == "applied"
    other = etl.order(SOURCES | {"strict": True}, idempotency_key="night 1")
    assert other.status_code == 422 and other.json()["run"] == first["Location"]
    assert "Another request has already used this key" in other.json()["errors"]["Idempotency-Key"][0]
    stranger = asking("add_importrun", name="stranger")
    assert stranger.order(SOURCES, idempotency_key="night 1")["Location"] != first["Location"]
    assert ImportRun.objects.count() == 2


@pytest.mark.only_on("sqlite")
def test_a_name_in_place_of_a_file_is_reported(etl):
    for files in ("people.csv", ["people.csv", "places.csv"]):
        errors = etl.post(IMPORTS, {"dataset": "people", "mode": "apply", "files": files}).json()["errors"]
        assert errors.keys() == {"files"} and "With curl, write files=@NAME, with the @." in errors["files"][0]


@pytest.mark.only_on("sqlite")
def test_an_image_with_the_name_of_a_table_is_refused(etl):
    file = SimpleUploadedFile("people.csv", b"\x89PNG\r\n\x1a\n" + bytes(100))
    answer = etl.post(IMPORTS, {"dataset": "people", "mode": "apply", "files": file})
    assert answer.status_code == 400
    assert "people.csv: looks like a PNG image; expected a CSV file" in answer.json()["errors"]["files"][0]


def test_the_key_distinguishes_files(etl):
    def with_key(text):
        file = SimpleUploadedFile("places.csv", text.encode())
        return etl.post(
            IMPORTS, {"dataset": "people", "mode": "apply", "files": file}, headers={"idempotency-key": "k"}
        ).status_code

    assert [with_key(PLACES), with_key(PLACES), with_key(PLACES.replace("Kelso", "Derry"))] == [202, 202, 422]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("body", "parameter", "message"),
    [
        ({}, "dataset", "; found none."),
        ({"dataset": "person"}, "dataset", "Expected one of people"),
        ({"dataset": 1}, "dataset", "Expected a string, found 1."),
        ({"dataset": "people", "strikt": True}, "strikt", "Did you mean strict?"),
        ({"dataset": "people", "strict": "yes"}, "strict", "Expected true or false, found yes."),
        ({"dataset": "people", "delete_missing": 1}, "delete_missing", "Expected true or false, found 1."),
        ({"dataset": "people", "mode": "try"}, "mode", "Expected one of apply, preview; found try."),
        ({"dataset": "people", "mode": ["apply"]}, "mode", 'Expected a string, found ["apply"].'),
        ({"dataset": "people", "encoding": "klingon"}, "encoding", "Expected one of utf-8, cp1252"),
        (SOURCES | {"known_as": "x" * 256}, "known_as", "at most 255 characters"),
        (SOURCES | {"known_as": "\x00"}, "known_as", "Null characters are not allowed."),
    ],
)
def test_an_invalid_field_of_a_request_is_refused_by_name(etl, sources, body, parameter, message):
    sources(places=PLACES)
    answer = etl.order(body)
    assert answer.status_code == 400 and answer["Content-Type"] == "application/problem+json"
    assert message in answer.json()["errors"][parameter][0]
    assert not ImportRun.objects.exists()


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize(
    ("content", "kind", "status", "message"),
    [
        ("{", "application/json", 400, "The body is not valid JSON"),
        ("[]", "application/json", 400, "Expected a JSON object"),
        ("dataset=people", "application/x-www-form-urlencoded", 415, "Expected application/json, or multipart"),
        ("x", "text/plain", 415, "found text/plain"),
        ("x", "multipart/form-data", 400, "The form cannot be read"),
        (b'{"dataset": "\xff"}', "application/json", 400, "The body is not valid JSON"),
        (" " * 300_000, "application/json", 413, "at most 262,144 bytes"),
    ],
)
def test_an_invalid_body_is_refused(etl, content, kind, status, message):
    answer = etl.post(IMPORTS, content, content_type=kind)
    assert answer.status_code == status and message in answer.json()["detail"]


@pytest.mark.only_on("sqlite")
def test_fields_of_a_form_are_checked_too(etl):
    assert "Expected true or false" in etl.send(400, strict="maybe")["errors"]["strict"][0]
    assert "Send this field only once." in etl.send(400, mode=["apply", "preview"])["errors"]["mode"][0]
    answer = etl.post(IMPORTS, {"dataset": "people", "mode": "apply", "file": SimpleUploadedFile("places.csv", b"x")})
    assert answer.json()["errors"] == {"file": ["Send the files in the field “files”."]}
    response = etl.send(400, files={"wines": "grape,year\nMerlot,1990\n"})
    assert "wines.csv does not match any source" in response["errors"]["files"][0]


@pytest.mark.only_on("sqlite")
def test_a_body_above_the_limit_is_refused_before_it_is_read(etl, settings):
    settings.UPLOAD_LIMIT = 20
    for text in (PLACES, "x" * 100_000):
        assert "larger than the limit of" in etl.send(413, files={"places": text})["errors"]["files"][0]
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1
    assert "it has more than 1 files." in etl.send(400, files={"a": "", "b": ""})["detail"]


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("key", ["", "  ", "x" * 256, "ä"])
def test_an_invalid_idempotency_key_is_refused(etl, sources, key):
    sources(places=PLACES)
    assert "Idempotency-Key" in etl.order(SOURCES, idempotency_key=key).json()["errors"]


def test_an_idempotency_key_is_bound_to_all_fields_of_its_request():
    run = ImportRun(dataset="people", encoding="utf-8")
    other = ImportRun(dataset="people", encoding="cp1252")
    digests = {
        import_requests.digest_of(run, "apply"),
        import_requests.digest_of(run, "preview"),
        import_requests.digest_of(other, "apply"),
    }
    assert len(digests) == 3


def at_once(etl, count, **headers) -> list:
    """Send the same import request in several threads, and return the responses."""

    def ask(_):
        try:
            return etl.order(SOURCES, **headers)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(ask, range(count)))


def test_one_of_several_concurrent_requests_starts_a_run(etl, sources):
    sources(places=PLACES)
    answers = at_once(etl, 4)
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    run = ImportRun.objects.get()
    assert {answer.json()["run"] for answer in answers if answer.status_code == 409} == {
        f"http://testserver/api/imports/{run.pk}/"
    }


def test_concurrent_requests_with_one_key_start_one_run(etl, sources):
    sources(places=PLACES)
    answers = at_once(etl, 4, idempotency_key="the same")
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer["Location"] for answer in answers}) == ImportRun.objects.count() == 1
