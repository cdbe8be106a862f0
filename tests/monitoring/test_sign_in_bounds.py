"""Limits of the login pages: length of names, guesses across names, and concurrent password hashing."""

import threading
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from urllib.parse import urlencode

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.contrib.auth.tokens import default_token_generator
from django.db.models import Max
from django.db.models.functions import Length
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from monitoring import password_hashing

SIGN_IN = "/sign-in/"
LONG = {
    "more than a column holds": "n" * 256,
    "a megabyte": "n" * 1_000_000,
    "longer when normalised": "\ufdfa" * 150,  # each is 18 characters in NFKC
    "letters of several bytes": "ş" * 151,
}
RIGHT = "nine lives of a cat"
pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgresql")]


@pytest.fixture
def grace(django_user_model):
    return django_user_model.objects.create_user("grace", password=RIGHT, is_staff=True, is_superuser=True)


def sign_in(client, name="grace", password="a guess", **where):
    return client.post(SIGN_IN, {"username": name, "password": password}, **where)


@pytest.mark.parametrize("name", LONG.values(), ids=LONG)
def test_a_name_that_is_too_long_is_refused_before_it_is_used(client, grace, name):
    answer = sign_in(client, name)
    assert answer.status_code == 200 and "A name can have at most 150 characters." in answer.text
    assert len(answer.content) < 20_000  # the page does not repeat it
    assert not AccessAttempt.objects.exists()


def test_a_name_of_the_maximum_length_can_sign_in(client, django_user_model):
    django_user_model.objects.create_user("ş" * 150, password=RIGHT, is_staff=True)
    assert sign_in(client, "ş" * 150).status_code == 200
    assert sign_in(client, "ş" * 150, RIGHT).status_code == 302


def test_a_password_that_is_too_long_is_refused_before_it_is_hashed(client, grace):
    answer = sign_in(client, password="p" * 1_000_000)
    assert answer.status_code == 200 and "A password can have at most 4096 characters." in answer.text
    assert not AccessAttempt.objects.exists()


def test_stored_names_of_attempts_are_limited_in_length(grace, rf):
    for name in (*LONG.values(), "a\0b"):
        assert authenticate(rf.post("/a/door/of/tomorrow/", {"username": name}), username=name, password="x") is None
    assert AccessAttempt.objects.aggregate(n=Max(Length("username")))["n"] <= 150


def test_the_stored_data_of_an_attempt_are_limited_in_size(client, grace):
    more = {f"field{n}": "v" * 10_000 for n in range(50)}
    headers = {"user-agent": "a" * 5000, "accept": "b" * 5000}
    for _ in range(5):
        client.post(f"{SIGN_IN}?{'q' * 5000}", {"username": "grace", "password": "a guess"} | more, headers=headers)
    stored = AccessAttempt.objects.values_list("user_agent", "get_data", "post_data", "http_accept", "path_info")
    assert len(stored) == 1 and sum(map(len, stored[0])) < 15_000


def test_an_address_with_failures_for_many_names_is_locked(client, grace, settings):
    result = [sign_in(client, f"name{n}").status_code for n in range(settings.SIGN_IN_FAILURES_OF_ADDRESS + 1)]
    assert result == [200] * (settings.SIGN_IN_FAILURES_OF_ADDRESS - 1) + [429] * 2
    locked = sign_in(client, "grace", RIGHT)
    assert locked.status_code == 429 and locked["Retry-After"] == "900"
    assert "There were too many failed sign-ins from your network" in locked.text
    assert sign_in(client, "grace", RIGHT, REMOTE_ADDR="192.0.2.7").status_code == 302
    assert AccessAttempt.objects.count() == settings.SIGN_IN_FAILURES_OF_ADDRESS


def test_an_ipv6_address_is_counted_by_network_and_an_ipv4_address_by_itself(client, grace, settings):
    for n in range(settings.SIGN_IN_FAILURES_OF_ADDRESS):
        sign_in(client, f"name{n}", REMOTE_ADDR=f"2001:db8:1:2::{n:x}")
    assert sign_in(client, password=RIGHT, REMOTE_ADDR="2001:db8:1:2:ffff::1").status_code == 429
    assert sign_in(client, password=RIGHT, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302
    for n in range(settings.SIGN_IN_FAILURES_OF_ADDRESS):
        sign_in(client, f"name{n}", REMOTE_ADDR="::ffff:192.0.2.8")  # 192.0.2.8 on a socket for IPv4 and IPv6
    assert sign_in(client, password=RIGHT, REMOTE_ADDR="192.0.2.8").status_code == 429
    assert sign_in(client, password=RIGHT, REMOTE_ADDR="::ffff:192.0.2.9").status_code == 302


def test_a_successful_sign_in_keeps_the_failures_for_other_names(client, grace, settings):
    for n in range(settings.SIGN_IN_FAILURES_OF_ADDRESS - 1):
        sign_in(client, f"name{n}")
    assert sign_in(client, password=RIGHT).status_code == 302
    assert sign_in(client, "one more").status_code == 429


def test_the_limit_of_an_address_can_be_off(client, grace, settings):
    settings.SIGN_IN_FAILURES_OF_ADDRESS = 0
    assert {sign_in(client, f"name{n}").status_code for n in range(25)} == {200}


@pytest.fixture
def all_places_taken(settings):
    settings.PASSWORD_HASHERS = ["monitoring.password_hashing.BoundedHasher"]
    with ExitStack() as taken:
        for _ in range(settings.SIGN_INS_AT_ONCE):
            taken.enter_context(password_hashing.slots)
        yield


def doors_to_a_password(client, grace):
    """Each request that hashes a password, with its name."""
    uid, token = urlsafe_base64_encode(force_bytes(grace.pk)), default_token_generator.make_token(grace)
    new = {"new_password1": "a new one for it", "new_password2": "a new one for it"}
    add = {
        "username": "eve",
        "usable_password": "true",
        "password1": "a new one for it",
        "password2": "a new one for it",
    }

    def welcome():
        client.get(f"/admin/welcome/{uid}/{token}/")
        return client.post(f"/admin/welcome/{uid}/set-password/", new)

    yield "a name", lambda: sign_in(client, "grace")
    yield "no name", lambda: sign_in(client, "nobody")
    yield "welcome", welcome
    client.force_login(grace)
    yield "change", lambda: client.post("/change-password/", new | {"old_password": RIGHT})
    yield "change of another", lambda: client.post(f"/admin/auth/user/{grace.pk}/password/", add)
    yield "add", lambda: client.post("/admin/auth/user/add/", add)


def test_at_most_half_of_the_threads_hash_passwords(client, settings, grace, all_places_taken):
    assert settings.SIGN_INS_AT_ONCE * 2 <= settings.WEB_THREADS
    for name, door in doors_to_a_password(client, grace):
        answer = door()
        assert (name, answer.status_code, answer.get("Retry-After")) == (name, 429, "2")
        assert "Wait a few seconds and try again" in answer.text
    assert client.get("/admin/").status_code == 200
    assert not AccessAttempt.objects.exists()  # no guess was wrong


def test_no_password_is_hashed_for_a_locked_address(client, settings, grace):
    for n in range(settings.SIGN_IN_FAILURES_OF_ADDRESS):
        sign_in(client, f"name{n}")
    settings.PASSWORD_HASHERS = ["monitoring.password_hashing.BoundedHasher"]
    settings.SIGN_INS_AT_ONCE = 0  # hashing would be refused
    assert "Too many failed sign-ins" in sign_in(client).text


def test_a_password_that_is_too_long_cannot_be_set(client, grace):
    client.force_login(grace)
    long = "long enough " * 500
    new = {"old_password": RIGHT, "new_password1": long, "new_password2": long}
    answer = client.post("/change-password/", new)
    assert answer.status_code == 200 and "at most 4,096 characters" in answer.text


@pytest.mark.parametrize("uid", ["AAAA", "MQ", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ", "_" * 3000, "%00"])
@pytest.mark.parametrize("token", ["set-password", "x-y", f"{'z' * 13}-{'f' * 3000}", "%00-%00"])
def test_an_invalid_link_cannot_set_a_password(client, uid, token):
    assert client.get(f"/admin/welcome/{uid}/{token}/").status_code in (200, 404)


@pytest.mark.parametrize("key", ["k" * 5000, '"abcdefgh\\000ijkl"', '"abcdefgh\\351"', "ab cdefgh", ""])
@pytest.mark.parametrize("page", ["/admin/", "/explore/", "/api/imports/"])
def test_a_cookie_with_an_invalid_session_key_is_ignored(client, key, page):
    answer = client.get(page, headers={"cookie": f"sessionid={key}"})
    assert answer.status_code in (302, 401)


@pytest.mark.parametrize("secret", ["t" * 201, "t" * 1_000_000, "tabularium_" + "é" * 500], ids=["201", "1 MB", "é"])
def test_a_token_that_is_too_long_is_refused_without_a_query(client, secret, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/api/people/people/", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 401 and "Unknown token." in answer.json()["detail"]


def test_a_valid_session_is_kept(client, grace):
    assert sign_in(client, password=RIGHT).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_pages_are_served_during_too_many_concurrent_sign_ins(serve, child_environment):
    """Twelve concurrent logins at a process with four threads and production hashing."""
    server, statuses, pages = serve(WEB_CONCURRENCY="1", WEB_THREADS="4"), [], []
    _, headers, body = server.get("/sign-in/")
    cookie = headers["set-cookie"].partition(";")[0]
    token = body.partition(b'name="csrfmiddlewaretoken" value="')[2].partition(b'"')[0].decode()
    begin = threading.Barrier(13)

    def guess(number: int) -> None:
        form = urlencode({"username": f"name{number}", "password": "a guess", "csrfmiddlewaretoken": token})
        begin.wait()
        with closing(HTTPConnection("127.0.0.1", server.port)) as client:
            client.request(
                "POST",
                "/sign-in/",
                form,
                {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"},
            )
            statuses.append(client.getresponse().status)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    begin.wait()
    while any(thread.is_alive() for thread in threads):
        pages.append(server.get("/sign-in/")[0])
    assert set(statuses) == {200, 429} and len(statuses) == 12 and statuses.count(200) >= 2
    assert pages and set(pages) == {200}
    assert server.get("/healthz")[0] == 200
