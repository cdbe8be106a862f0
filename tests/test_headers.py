"""Headers for caches, for other origins, and for range requests."""

from contextlib import closing

import pytest

pytestmark = pytest.mark.only_on("sqlite")

ORIGIN = "https://notebook.example.org"


@pytest.fixture
def cors(settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *settings.MIDDLEWARE]


PAGES = ["/explore/people/places/", "/explore/people/places/export/", "/explore/nothing/", "/api/schema/", "/api/docs/"]


@pytest.mark.parametrize("address", PAGES)
def test_pages_for_signed_in_users_are_not_cached(address, admin_client):
    assert admin_client.get(address)["Cache-Control"] == "private, no-store"


def test_a_response_to_a_token_is_not_in_shared_caches(db, client):
    answer = client.get("/api/schema/", headers={"Authorization": "Bearer unknown"})
    assert "no-store" in answer["Cache-Control"]
    assert "Cache-Control" not in client.get("/api/schema/")


@pytest.mark.parametrize("address", ["/api/people/places/", "/api/people/places/?format=csv", "/explore/", "/admin/"])
def test_no_response_supports_byte_ranges(address, admin_client):
    answer = admin_client.get(address, headers={"Range": "bytes=0-9"})
    assert answer["Accept-Ranges"] == "none" and answer.status_code in (200, 302)


def test_no_other_origin_may_read_by_default(db, client):
    answer = client.get("/api/people/places/", headers={"Origin": ORIGIN})
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_an_origin_that_is_listed_may_read_the_api_and_its_refusals(db, client, cors):
    for address in ["/api/people/places/", "/api/people/places/?format=csv", "/api/people/places/?no=1", "/api/no/"]:
        answer = client.get(address, headers={"Origin": ORIGIN})
        assert answer["Access-Control-Allow-Origin"] == ORIGIN, address
        assert {"ETag", "Masked-Columns"} <= set(answer["Access-Control-Expose-Headers"].split(", "))
        assert "Access-Control-Allow-Credentials" not in answer


def test_a_preflight_lets_a_listed_origin_send_a_token(db, client, cors):
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = client.options("/api/imports/", headers=headers)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "authorization" in answer["Access-Control-Allow-Headers"]
    assert "DELETE" not in answer["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("origin", ["https://elsewhere.example.org", "http://notebook.example.org", "null"])
def test_another_origin_is_refused(db, client, cors, origin):
    assert "Access-Control-Allow-Origin" not in client.get("/api/people/places/", headers={"Origin": origin})


def test_only_the_api_may_be_read_from_other_origins(db, client, cors):
    assert "Access-Control-Allow-Origin" not in client.get("/sign-in/", headers={"Origin": ORIGIN})


def test_a_static_file_that_is_missing_is_a_404_under_debug(db, client, settings):
    settings.DEBUG = settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    assert client.get("/static/nope.css").status_code == 404
    with closing(client.get("/static/admin/css/base.css")) as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize("port", ["0", "65536", "99999999"])
def test_a_host_with_an_invalid_port_is_refused(db, client, port):
    answer = client.get("/api/", headers={"Host": f"localhost:{port}"})
    assert answer.status_code == 400 and "65535" in answer.json()["detail"]


@pytest.mark.parametrize("address", ["/api/imports/", "/sign-in/", "/admin/imports/importrun/import/"])
@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, identity"])
def test_an_encoded_body_is_refused_with_415(db, client, address, encoding):
    answer = client.post(address, b"x", content_type="application/json", headers={"Content-Encoding": encoding})
    assert answer.status_code == 415 and "Content-Encoding" in answer.text


@pytest.mark.parametrize("debug", [True, False])
def test_a_form_with_too_many_fields_reports_their_number(db, client, settings, debug):
    settings.DEBUG = debug
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    answer = client.post("/sign-in/", {name: "1" for name in "abcd"})
    assert answer.status_code == 400 and "more than 3 fields" in answer.text
    body = "&".join(f"{name}=1" for name in "abcd")
    kind = "application/x-www-form-urlencoded"
    answer = client.post("/sign-in/", body, content_type=kind, headers={"Accept": "application/json"})
    assert answer.status_code == 400 and "more than 3 fields" in answer.json()["detail"]
