"""With READ_ONLY_WITHOUT_PRIMARY, the site reads everything from the replica while the primary does not respond."""

import json
import threading
from collections import Counter
from http.client import HTTPException

import pytest

from tests.replica.servers import until
from tests.replica.site import NAME, PASSWORD, Site

SETTINGS = {"READ_ONLY_WITHOUT_PRIMARY": "on"}
MESSAGE = "The site is read-only, because its main database does not respond."
PLACES = "/api/people/places/"
PAGES = (
    "/admin/",
    "/admin/people/place/",
    "/admin/people/place/1/change/",
    "/admin/people/place/1/history/",
    "/admin/imports/importrun/",
    "/admin/imports/importrun/1/change/",
    "/explore/people/people/",
    "/explore/people/people/export/",
)
API = (PLACES, f"{PLACES}1/", f"{PLACES}summary/?by=country", f"{PLACES}?format=csv", "/api/imports/")


@pytest.fixture
def primary_is_away(servers, site):
    until(servers.is_level, "the standby has all changes")
    servers.stop_primary()
    yield
    servers.start_primary()


def test_the_primary_stops_under_load_and_comes_back(servers, site):
    until(servers.is_level, "the standby has all changes")
    expected = {path: site.request(path) for path in API}
    end, bad, count = threading.Event(), [], Counter()

    def ask() -> None:
        while not end.is_set():
            for path in API:
                try:
                    answer = site.get(path)
                    if (answer.status, answer.text) != (200, expected[path]):
                        bad.append((path, answer.status, answer.text[:300]))
                    count[answer.headers["Read-Only"]] += 1
                except (OSError, HTTPException) as error:
                    bad.append((path, repr(error)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: count[None] > 20, "the site answers")
        servers.stop_primary()
        until(lambda: count["the primary database does not respond"] > 20, "the replica answers alone")
        servers.start_primary()
        before = count[None]
        until(lambda: count[None] > before + 20, "the primary answers again")
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert bad == []
    saved = site.page("/admin/people/place/add/", city="Afterwards", county="Holm", country="Averland")
    assert "was added successfully" in saved.text and MESSAGE not in saved.text


def test_pages_and_programs_can_read(site, primary_is_away):
    for path in PAGES:
        answer = site.page(path)
        assert answer.status == 200 and answer.headers["Read-Only"], (path, answer.status, answer.text)
        assert MESSAGE in answer.text, path
    for path in API:
        answer = site.get(path)
        assert answer.status == 200 and answer.headers["Read-Only"], (path, answer.text)
    assert site.get(PLACES, If_None_Match=site.get(PLACES).headers["ETag"]).status == 304
    assert [site.gauge(name) for name in ("database_up", "replica_up")] == [0, 1]
    assert site.get("/readyz").json == {"process": "alive", "database": "does not respond", "replica": "answers"}


def test_a_change_is_refused_and_nobody_can_sign_in(site, primary_is_away):
    saved = site.page("/admin/people/place/add/", city="Meanwhile", county="Holm", country="Averland")
    assert saved.status == 503 and MESSAGE in saved.text and saved.headers["Retry-After"]
    undo = site.page("/admin/imports/importrun/1/undo/")  # it tries the undo, and rolls it back
    assert undo.status == 503 and MESSAGE in undo.text
    imported = site.post("/api/imports/", dataset="people")
    assert imported.status == 503 and MESSAGE in json.loads(imported.body)["detail"]
    stranger = Site(site.server, "")
    page = stranger.page("/admin/")
    assert page.status == 200 and "You can sign in again when" in page.text and "<form method" not in page.text
    signed_in = stranger.page("/sign-in/", username=NAME, password=PASSWORD)
    assert signed_in.status == 503 and MESSAGE in signed_in.text
    assert site.page("/admin/").status == 200  # the session of the curator has not ended
