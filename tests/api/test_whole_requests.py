"""Incomplete or partly invalid requests get 400, and change nothing."""

import json
import socket
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from datasets.tokens import make_token
from imports.models import ImportRun
from people.models import Place

pytestmark = pytest.mark.only_on("postgresql")

IMPORTS = "/api/imports/"
PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
FIELD = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
FILE = '--x\r\nContent-Disposition: form-data; name="{}"; filename="{}"\r\nContent-Type: text/csv\r\n\r\n{}\r\n'
ORDER = FIELD.format("dataset", "people") + FIELD.format("mode", "apply")
UPLOAD = ORDER + FILE.format("files", "places.csv", PLACES)
FORM = "multipart/form-data; boundary=x"


@pytest.fixture
def root(transactional_db):
    return get_user_model().objects.create_superuser("root", password="kelp")


@pytest.fixture
def post(live_server, root):
    """Post a body with Content-Length *length* over a socket, close our side, and return status, type and text."""
    _, secret = make_token(root, "raw", ["read", "import"])
    browser = Client()
    browser.force_login(root)

    def post(path: str, body: str | bytes, kind=FORM, length=None, **headers) -> tuple[int, str, str]:
        body = body.encode() if isinstance(body, str) else body
        all_headers = {
            "Host": "localhost",
            "Content-Type": kind,
            "Content-Length": len(body) if length is None else length,
        }
        if path.startswith("/api/"):
            all_headers["Authorization"] = f"Bearer {secret}"
        else:
            all_headers["Cookie"] = f"sessionid={browser.cookies['sessionid'].value}; csrftoken={'a' * 32}"
            all_headers["X-CSRFToken"] = "a" * 32
        head = "".join(
            f"{name.replace('_', '-')}: {value}\r\n" for name, value in (all_headers | headers).items() if value != ""
        )
        with socket.create_connection(("127.0.0.1", urlsplit(live_server.url).port), 30) as connection:
            connection.sendall(f"POST {path} HTTP/1.0\r\n{head}\r\n".encode() + body)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        top, _, text = answer.partition("\r\n\r\n")
        kinds = [line.partition(": ")[2] for line in top.split("\r\n") if line.lower().startswith("content-type")]
        return int(top.split()[1]), kinds[0], text

    return post


def nothing_happened(settings) -> bool:
    folder = settings.MEDIA_ROOT / "imports"
    return not ImportRun.objects.exists() and not (folder.exists() and list(folder.iterdir()))


WHOLE = UPLOAD + "--x--\r\n"


@pytest.mark.parametrize("came", [0, 20, len(ORDER), len(UPLOAD) - 30, len(UPLOAD), len(WHOLE) - 2])
def test_an_incomplete_upload_is_refused_without_a_run(post, sources, settings, came):
    sources(places=PLACES)
    status, kind, text = post(IMPORTS, WHOLE[:came], length=len(WHOLE))
    assert (status, kind) == (400, "application/problem+json") and "The request body is incomplete" in json.loads(text)[
        "detail"
    ]
    status, _, text = post("/admin/imports/importrun/import/", WHOLE[:came], length=len(WHOLE))
    assert status == 400 and "The request body is incomplete" in text
    assert nothing_happened(settings)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (UPLOAD, "the form ends in part 3, before its closing boundary"),
        (UPLOAD + "--x\r\n", "the form ends in part 4"),
        (ORDER, "the form ends in part 2"),
        (UPLOAD + FILE.format("files", "people.csv", "") + "--x--\r\nmore", "content outside its parts"),
        (UPLOAD + "--x--\r\n" + FIELD.format("strict", "true"), "the boundary also occurs in part"),
        (UPLOAD + FILE.format("files", "na\xefve.csv", "x").replace("files", "files") + "--x--", "na\\xefve.csv"),
        (
            UPLOAD + FILE.format("files", "", "city\nKelso") + "--x--\r\n",
            "part 4 has content, but its file name is empty",
        ),
        (UPLOAD + FILE.format("files", "..", "city\nKelso") + "--x--\r\n", "part 4 is not valid"),
        (UPLOAD + "--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n", "part 4 is not valid"),
        (
            UPLOAD + "--x\r\nContent-Type: text/csv\r\n\r\n1\r\n--x--\r\n",
            "part 4 is not valid (no Content-Disposition)",
        ),
        (
            UPLOAD + "--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable"
            "\r\n\r\n=\r\n--x--\r\n",
            "part 4 has an unknown Content-Transfer-Encoding",
        ),
        (
            ORDER + FILE.format("files", "places.csv", PLACES + "--x-in-a-cell") + "--x--\r\n",
            "the boundary also occurs in part",
        ),
    ],
)
def test_every_part_of_a_form_is_used_or_refused_by_name(post, sources, settings, body, expected):
    sources(places=PLACES)
    status, _, text = post(IMPORTS, body.encode("latin-1"))
    assert status == 400 and expected in json.loads(text)["detail"]
    status, _, text = post("/admin/imports/importrun/import/", body.encode("latin-1"))
    assert status == 400 and expected.replace("'", "&#x27;") in text
    assert nothing_happened(settings)


PART = "--x\r\nContent-Disposition: form-data; {}\r\n\r\n" + PLACES + "\r\n--x--\r\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("name=files; filename*=UTF-8''us%FFers.csv", "filename*= must have a name in UTF-8"),
        ("name=files; filename*=latin-1''us%E9rs.csv", "filename*= must have a name in UTF-8"),
        ("name=files; filename*=klingon''places.csv", "filename*= must have a name in UTF-8"),
        ("name=files; filename*=UTF-8''places%ZZ.csv", "filename*= must have a name in UTF-8"),
        ("name=files; filename*=places.csv", "filename*= must have a name in UTF-8"),
        ('name="files"; filename="people.csv"; filename="places.csv"', "filename= occurs twice"),
        ('name="files"; filename="places.csv"; FileName="places.csv"', "filename= occurs twice"),
        ("name=files; filename=a.csv; filename*=UTF-8''places.csv", "filename= and filename*= have different names"),
        ("name=files; filename*=UTF-8''a.csv; filename*=UTF-8''places.csv", "filename*= occurs twice"),
        ("name=files; filename*0=pla; filename*1=ces.csv", "filename*0= is not supported"),
        ('name="strict"; name="files"; filename="places.csv"', "name= occurs twice"),
        ("name*=UTF-8''files; filename=places.csv", "name*= is not supported"),
        ("name=files;\r\n filename=places.csv", "a header continues on the next line"),
        (
            'name="strict"\r\nContent-Disposition: form-data; name="files"; filename="places.csv"',
            "content-disposition occurs twice",
        ),
    ],
)
def test_a_part_with_two_names_or_an_invalid_name_is_refused(post, settings, options, expected):
    body = ORDER + PART.format(options)
    status, kind, text = post(IMPORTS, body)
    assert (status, kind) == (400, "application/problem+json")
    assert f"part 3 is not valid: {expected}" in json.loads(text)["detail"].replace("its header ", "")
    status, _, text = post("/admin/imports/importrun/import/", body)
    assert status == 400 and "part 3 is not valid" in text and expected in text
    assert nothing_happened(settings)


@pytest.mark.parametrize(
    "options",
    [
        "name=files; filename*=UTF-8''pl%C3%A0ces.csv",
        'name="files"; filename="plàces.csv"; filename*=utf-8\'en\'pl%C3%A0ces.csv',
        'name="files"; filename="plàces.csv"; size=12',
        'name="files"; filename="a;filename=b\\"plàces.csv"',
    ],
)
def test_a_part_with_an_encoded_file_name_is_accepted(post, options):
    status, _, text = post(IMPORTS, ORDER + PART.format(options))
    assert status == 202 and json.loads(text)["uploads"][0]["name"].endswith("plàces.csv")


def test_a_complete_upload_is_imported_and_stored_once(post, settings):
    status, _, text = post(IMPORTS, WHOLE)
    assert status == 202 and json.loads(text)["uploads"][0]["name"] == "places.csv"
    assert [file.name for file in (settings.MEDIA_ROOT / "imports").iterdir()] == [
        json.loads(text)["uploads"][0]["sha256"]
    ]


def test_a_chunked_body_is_refused(post, settings):
    for path in (IMPORTS, "/api/imports/1/undo/", "/admin/imports/importrun/import/", "/sign-in/"):
        status, _, text = post(path, "", length="", Transfer_Encoding="chunked")
        assert status == 411 and "Content-Length" in text
    assert nothing_happened(settings)


@pytest.mark.parametrize(
    ("order", "parameter", "expected"),
    [
        ({"dataset": "people"}, "files", "Send files in a form, or sources=configured to import the site's own files."),
        ({"dataset": "people", "sources": "all"}, "sources", "Expected configured"),
        ({"dataset": "people", "sources": ""}, "sources", "Expected configured"),
        ({"dataset": "people", "sources": True}, "sources", "Expected a string"),
        ({"dataset": "people", "sources": "configured", "mode": None}, "mode", "found null"),
        ({"dataset": "people", "sources": None}, "sources", "Expected a string"),
    ],
)
def test_the_configured_sources_are_imported_only_on_explicit_request(etl, sources, order, parameter, expected):
    sources(places=PLACES)
    as_form = {name: "" if value is None else value for name, value in ({"mode": "apply"} | order).items()}
    for answer in (etl.order(order), etl.post(IMPORTS, as_form)):
        assert answer.status_code == 400 and parameter in answer.json()["errors"]
    assert expected in etl.order(order).json()["errors"][parameter][0] and not ImportRun.objects.exists()
    assert etl.post(IMPORTS, {"dataset": "people", "sources": "configured"}).status_code == 202


def test_a_parameter_that_a_document_names_twice_is_refused(etl, sources):
    sources(places=PLACES)
    body = '{"dataset": "people", "sources": "configured", "mode": "preview", "mode": "apply"}'
    answer = etl.post(IMPORTS, body, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["errors"] == {"mode": ["Send this field only once."]}


def test_uploads_need_a_mode_and_exclude_configured_sources(etl, settings):
    response = etl.send(400, files={"places": PLACES}, sources="configured")["errors"]
    assert response == {"sources": ["Expected either uploaded files or sources, found both."]}
    file = FILE.format("files", "places.csv", PLACES)
    answer = etl.post(IMPORTS, FIELD.format("dataset", "people") + file + "--x--\r\n", content_type=FORM)
    assert answer.json()["errors"] == {"mode": ["Expected one of apply, preview with uploaded files, found none."]}
    assert nothing_happened(settings)


def test_an_incomplete_or_ambiguous_confirmation_changes_nothing(post, etl):
    run = etl.worked(etl.send(files={"places": PLACES}))
    previewed = etl.worked(etl.send(files={"places": PLACES.replace("Kelso", "Derry")}, mode="preview"))
    undo, apply = f"{IMPORTS}{run['id']}/undo/", f"{IMPORTS}{previewed['id']}/apply/"
    for path, body, kind, length in [
        (undo, "", "application/json", 10),
        (undo, "{", "application/json", 2),
        (undo, '{"dry_run": true}', "application/json", None),
        (undo, "dry_run=true", "application/x-www-form-urlencoded", None),
        (apply, '{"delete_most": tru', "application/json", 21),
        (apply, "remove_m", "application/x-www-form-urlencoded", 16),
        (apply, FIELD.format("delete_most", "true"), FORM, None),
        (f"/admin/imports/importrun/{run['id']}/undo/", "a=", "application/x-www-form-urlencoded", 3),
        (f"/admin/imports/importrun/{previewed['id']}/apply/", "remove_m", "application/x-www-form-urlencoded", 16),
        (f"/admin/imports/importrun/{previewed['id']}/apply/", FIELD.format("delete_most", "on"), FORM, None),
    ]:
        status, _, text = post(path, body, kind, length)
        assert status == 400, (path, body, text)
    assert [run.status for run in ImportRun.objects.order_by("pk")] == ["applied", "previewed"]
    waiting = etl.send(files={"places": PLACES})
    assert etl.post(f"{IMPORTS}{waiting['id']}/cancel/", {"later": "yes"}).status_code == 400
    assert ImportRun.objects.get(pk=waiting["id"]).status == "waiting" and Place.objects.count() == 1


def test_an_incomplete_form_changes_nothing(post, root):
    place = Place.objects.create(city="Kelso", county="Roxburghshire", country="Scotland")
    form = "city=Derry&county=Antrim&country=Ireland&_save=Save"
    address = f"/admin/people/place/{place.pk}/change/"
    status, kind, text = post(address, form[:20], "application/x-www-form-urlencoded", len(form))
    assert (status, kind.partition(";")[0]) == (400, "text/html") and "The request body is incomplete" in text
    status, _, _ = post("/sign-in/", "username=root&passw", "application/x-www-form-urlencoded", 40)
    place.refresh_from_db()
    assert status == 400 and place.city == "Kelso"


def test_a_body_beyond_the_limit_of_its_url_is_refused(etl, client, settings):
    settings.BODY_LIMIT = 1000
    answer = etl.post(f"{IMPORTS}1/undo/", " " * 1001, content_type="application/json")
    assert answer.status_code == 413 and "larger than 1000\xa0bytes" in answer.json()["detail"]
    answer = client.post("/sign-in/", {"username": "x" * 1000})
    assert answer.status_code == 413 and "larger than 1000" in answer.text


def test_a_browser_that_sends_a_file_in_another_field_is_reported(client, root, settings):
    client.force_login(root)
    whole = FIELD.format("dataset", "people") + FIELD.format("encoding", "utf-8")
    for more in (FILE.format("file", "people.csv", "x"), FIELD.format("files", "people.csv")):
        body = whole + FILE.format("files", "places.csv", PLACES) + more + "--x--\r\n"
        answer = client.post("/admin/imports/importrun/import/", body, content_type=FORM)
        assert answer.status_code == 400 and "Nothing was imported" in answer.text
    assert nothing_happened(settings)


@pytest.mark.parametrize("path", [IMPORTS, "/admin/imports/importrun/import/"])
def test_a_part_without_form_data_or_file_name_is_refused(post, settings, path):
    for body in (
        UPLOAD.replace("form-data", "attachment"),
        ORDER + FILE.format("files", "  ", PLACES),
        ORDER + FILE.format("files", "\u00a0\u2003", PLACES),
    ):
        status, _, text = post(path, body + "--x--\r\n")
        assert status == 400 and "is not valid" in text
    assert nothing_happened(settings)


def test_file_names_are_trimmed(post):
    body = UPLOAD.replace("places.csv", " \u2003places.csv \u00a0")
    assert post(IMPORTS, body + "--x--\r\n")[0] == 202
    assert ImportRun.objects.get().uploads[0]["name"] == "places.csv"
