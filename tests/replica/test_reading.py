"""A read replica answers requests that only read, with the data that the primary has."""

import hashlib
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest

from tests.replica.servers import until

PLACES = "/api/people/places/"
LOAD = (
    f"{PLACES}?page_size=5&ordering=-id",
    f"{PLACES}summary/?by=country&measure=count",
    "/api/people/people/?format=csv&country_of_birth=Estermark",
    "/api/people/births-by-country/",
    "/explore/people/people/",
    "/admin/people/place/",
)
DATA = {"people", "places", "births_by_country"} | {
    "respondents",
    "income_by_education",
    "user_features",
    "subjects_by_birth_year",
}


@pytest.fixture(autouse=True)
def level(servers, site):
    """The standby has all changes and answers, before each test."""
    until(servers.is_level, "the standby has all changes")
    until(lambda: site.answers(PLACES) == {"replica": 1}, "the replica answers")


def statements(site, path: str) -> tuple[set[str], set[str], int]:
    """Request a path; return the tables that the primary and the replica have queried, and the primary's versions."""
    site.request(path)  # caches labels
    first, before = site.metrics(), site.metrics()
    site.request(path)
    used = (site.metrics() - before) - (before - first)  # without those of the metrics themselves
    primary, replica = (
        {key[1] for key in used if key[0] == server and len(key) == 3} for server in ("primary", "replica")
    )
    return primary - {"versions"}, replica, used["primary", "versions", "select"]


def add_place(site, number: int) -> None:
    """Add a place on its page in the admin."""
    saved = site.page("/admin/people/place/add/", city=f"New {number:06}", county="Holm", country="Averland")
    assert saved.status == 200 and "was added successfully" in saved.text


def test_the_replica_reads_datasets_and_the_primary_everything_else(site):
    key = site.get(f"{PLACES}?page_size=1").json["results"][0]["id"]
    history = f"/admin/people/place/{key}/change/"
    for path in (*LOAD, f"{PLACES}{key}/", "/explore/people/people/export/", history):
        primary, replica, fences = statements(site, path)
        assert not DATA & primary or path == history, (path, primary)
        assert DATA & replica and not replica - DATA - {"versions", "source_files"}, (path, replica)
        assert fences == 1, (path, fences)


def test_a_known_tag_is_confirmed_with_one_query_of_the_versions_on_the_primary(site):
    tag = site.get(PLACES).headers["ETag"]
    first, before = site.metrics(), site.metrics()
    assert site.get(PLACES, If_None_Match=tag).status == 304
    used = (site.metrics() - before) - (before - first)
    assert {key for key in used if key[0] == "primary"} <= {
        ("primary", "versions", "select"),
        ("primary", "api_tokens", "select"),
        ("primary", "auth_user", "select"),
    } and used["primary", "versions", "select"] == 1


def test_a_write_is_seen_at_once_while_the_replica_is_behind(site, servers):
    servers.standby_sql("SELECT pg_wal_replay_pause()")
    try:
        add_place(site, 1)
        assert "New 000001" in site.page("/admin/people/place/?q=New+000001").text
        assert "New 000001" in site.page("/explore/people/places/?city=New+000001").text
        assert len(site.get(f"{PLACES}?city=New+000001").json["results"]) == 1
        assert site.answers(*LOAD[:3]) == {"behind": 3}
        assert site.gauge("replica_up") == 1 and site.gauge("replica_lag_seconds") > 0 < site.gauge("replica_lag_bytes")
        assert site.answers("/api/census/respondents/") == {"replica": 1}  # this dataset has not changed
    finally:
        servers.standby_sql("SELECT pg_wal_replay_resume()")
    until(lambda: site.answers(PLACES) == {"replica": 1}, "the replica answers again")
    assert len(site.get(f"{PLACES}?city=New+000001").json["results"]) == 1
    until(lambda: site.gauge("replica_lag_bytes") == 0, "the replica has all changes")
    assert site.gauge("replica_lag_seconds") == 0


class Reader:
    """Reads the newest place again and again. *seen* has the least expected number, that of the answer, and its tag."""

    path = f"{PLACES}?city__istartswith=New+9&page_size=1&ordering=-city"

    def __init__(self, site, written: list[int]):
        self.site, self.written = site, written
        self.seen: list[tuple[int, int, str]] = []
        self.bodies: set[tuple[str, str]] = set()  # tags and digests of bodies

    def read(self, end: threading.Event) -> None:
        tag, newest = "", 0
        while len(self.seen) < 500 and not end.is_set():
            least = self.written[-1]
            answer = self.site.get(self.path, If_None_Match=tag)
            if answer.status != 304:  # otherwise the answer is that of the tag
                tag, newest = answer.headers["ETag"], int(answer.json["results"][0]["city"].removeprefix("New "))
                self.bodies.add((tag, hashlib.sha256(answer.body).hexdigest()))
            self.seen.append((least, newest, tag))


def test_no_answer_is_stale_and_no_tag_names_two_answers(site, servers):
    """While a writer adds places, and the replay is paused and resumed, two readers send 1,000 requests."""
    written, end = [900_000], threading.Event()
    add_place(site, written[-1])

    def write() -> None:
        while not end.is_set():
            add_place(site, written[-1] + 1)
            written.append(written[-1] + 1)

    def pause() -> None:
        while not end.is_set():
            servers.standby_sql("SELECT pg_wal_replay_pause()")
            end.wait(0.3)
            servers.standby_sql("SELECT pg_wal_replay_resume()")
            end.wait(0.3)

    before, readers = site.metrics(), [Reader(site, written) for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(write), pool.submit(pause)]
        try:
            for reading in [pool.submit(reader.read, end) for reader in readers]:
                reading.result()
        finally:
            end.set()
        for other in others:
            other.result()
    used = site.metrics() - before
    assert min(used["replica",], used["behind",]) > 50, used  # both servers have answered
    seen = [answer for reader in readers for answer in reader.seen]
    assert len(seen) == 1000 and len(written) > 10
    assert [answer for answer in seen if answer[1] < answer[0]] == []
    tags = Counter(tag for tag, _ in readers[0].bodies | readers[1].bodies)
    assert len(tags) > 10 and max(tags.values()) == 1


def test_a_long_export_is_whole_while_the_primary_deletes_and_vacuums(site, servers):
    servers.sql(
        "INSERT INTO places (city, county, country) SELECT 'Bulk ' || n, repeat('x', 150), 'Nowhere'"
        " FROM generate_series(1, 150000) AS n"
    )
    raise_version(servers)
    until(servers.is_level, "the standby has all changes")
    before = site.metrics()
    try:
        with site.opened(f"{PLACES}?format=csv&country=Nowhere") as response:
            body = response.read(1000)
            delete_bulk(servers)
            servers.sql("VACUUM places")
            until(servers.is_level, "the standby has replayed the VACUUM")
            body += response.read()
    finally:
        delete_bulk(servers)
    assert (site.metrics() - before)["replica", "places", "copy"] == 1
    assert body.count(b"\n") == 150_001 and body.endswith(b"\n")
    assert site.get(f"{PLACES}?country=Nowhere").json["results"] == []


def raise_version(servers) -> None:
    servers.sql("UPDATE versions SET number = number + 1 WHERE name = 'people'")


def delete_bulk(servers) -> None:
    servers.sql("DELETE FROM places WHERE country = 'Nowhere'")
    raise_version(servers)


def conflict(servers) -> None:
    """Let the standby cancel its queries, because it replays that rows which they read were removed."""
    for setting in ("hot_standby_feedback = off", "max_standby_streaming_delay = 0"):
        servers.standby_sql(f"ALTER SYSTEM SET {setting}")
    servers.standby_sql("SELECT pg_reload_conf()")
    end = time.monotonic() + 8
    while time.monotonic() < end:
        servers.sql("UPDATE places SET corrections = corrections")
        servers.sql("VACUUM places")
    for setting in ("hot_standby_feedback = on", "max_standby_streaming_delay = '5min'"):
        servers.standby_sql(f"ALTER SYSTEM SET {setting}")
    servers.standby_sql("SELECT pg_reload_conf()")


def terminate(servers) -> None:
    """End the connections of the site to the standby again and again."""
    for _ in range(30):
        servers.standby_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        time.sleep(0.1)


def freeze(servers) -> None:
    """Freeze the standby: it accepts requests, and does not answer."""
    with servers.frozen_standby():
        time.sleep(10)


def kill(servers) -> None:
    """Kill the standby, and start it again after some time."""
    servers.kill_standby()
    time.sleep(5)
    servers.start_standby()


@pytest.mark.parametrize("disaster", [conflict, terminate, freeze, kill])
def test_no_request_fails_when_the_replica_does(site, servers, disaster):
    expected = {path: content_of(site, path) for path in LOAD}
    end, bad, count = threading.Event(), [], Counter()

    def ask(first: int) -> None:
        turn = first
        while not end.is_set():
            path = LOAD[turn % len(LOAD)]
            try:
                content = content_of(site, path)
            except (OSError, HTTPException, AssertionError) as error:
                content = repr(error)
            if content != expected[path]:
                bad.append((path, content[:300]))
            count[path] += 1
            turn += 1

    before = site.metrics()
    threads = [threading.Thread(target=ask, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    try:
        disaster(servers)
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert bad == []
    assert min(count[path] for path in LOAD) > 3
    used = site.metrics() - before
    assert used["failed",] + used["away",] > 0, used


def content_of(site, path: str) -> str:
    """Return the content of an address without what differs between two requests."""
    text = site.request(path)
    return text if path.startswith("/api/") else str(text.count("<tr"))
