"""Login throttling by name and address: a guesser must wait, other users are not locked out."""

import re
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import urlencode

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.auth import get_user_model
from django.utils import timezone
from prometheus_client import REGISTRY

LOGIN = "/sign-in/?next=/admin/"
pytestmark = [pytest.mark.django_db, pytest.mark.only_on("postgresql")]


@pytest.fixture
def sign_in(client):
    for name in ("grace", "ada"):
        get_user_model().objects.create_user(name, password="nine lives of a cat", is_staff=True)

    def sign_in(name="grace", password="a guess", **where):
        return client.post(LOGIN, {"username": name, "password": password}, **where)

    return sign_in


def test_too_many_failed_sign_ins_are_refused_with_a_message(sign_in, client, settings):
    assert [sign_in().status_code for _ in range(settings.AXES_FAILURE_LIMIT - 1)] == [200] * 4
    locked = sign_in()
    assert locked.status_code == 429 and locked["Retry-After"] == "900"
    assert "Wait 15 minutes and try again" in locked.text and "Content-Security-Policy" in locked
    assert sign_in(password="nine lives of a cat").status_code == 429  # even with the right password
    assert "_auth_user_id" not in client.session


def test_other_users_are_not_locked_out(sign_in, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in()
    assert sign_in("ada", "nine lives of a cat").status_code == 302  # from the same address
    assert sign_in("grace", "nine lives of a cat", REMOTE_ADDR="192.0.2.7").status_code == 302  # the owner, elsewhere


def test_the_lock_expires(sign_in, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        sign_in()
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME - timedelta(seconds=1))
    assert sign_in(password="nine lives of a cat").status_code == 302
    assert not AccessAttempt.objects.exists() and not AccessLog.objects.exists()


def test_a_successful_sign_in_clears_the_failures(sign_in, settings):
    for _ in range(3):
        for _ in range(settings.AXES_FAILURE_LIMIT - 1):
            assert sign_in().status_code == 200
        assert sign_in(password="nine lives of a cat").status_code == 302


def test_the_password_of_a_failed_sign_in_is_not_stored(sign_in):
    sign_in(password="nine lives of a dog")
    (attempt,) = AccessAttempt.objects.values()
    assert "dog" not in str(attempt)


def test_behind_a_proxy_the_address_comes_from_the_proxy(sign_in, settings):
    settings.TRUST_PROXY, settings.TRUSTED_PROXIES = True, [ip_network("10.0.0.0/8")]
    for n in range(settings.AXES_FAILURE_LIMIT):
        forwarded = f"198.51.100.{n}, 192.0.2.7"  # the client itself sent all but the last address
        sign_in(REMOTE_ADDR="10.0.0.2", headers={"x-forwarded-for": forwarded})
    right = {"password": "nine lives of a cat", "REMOTE_ADDR": "10.0.0.2"}
    assert sign_in(**right, headers={"x-forwarded-for": "192.0.2.7"}).status_code == 429
    assert sign_in(**right, headers={"x-forwarded-for": "192.0.2.8"}).status_code == 302
    # A client that is not a trusted proxy cannot claim another address.
    for n in range(settings.AXES_FAILURE_LIMIT):
        answer = sign_in("ada", REMOTE_ADDR="203.0.113.9", headers={"x-forwarded-for": f"192.0.2.{n}"})
    assert answer.status_code == 429


def test_two_processes_count_failures_together(serve, child_environment):
    server = serve(SIGN_IN_FAILURES="6")
    statuses = []
    for _ in range(6):
        _, headers, body = server.get("/sign-in/")
        token = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', body)[1].decode()
        form = urlencode({"username": "grace", "password": "a guess", "csrfmiddlewaretoken": token})
        cookie = headers["set-cookie"].partition(";")[0]
        status, _, _ = server.get(
            "/sign-in/", "POST", form, Cookie=cookie, Content_Type="application/x-www-form-urlencoded"
        )
        statuses.append(status)
    assert statuses == [200] * 5 + [429]


def test_sign_ins_are_counted(sign_in, client):
    def counted(outcome):
        return REGISTRY.get_sample_value("tabularium_sign_ins_total", {"outcome": outcome}) or 0

    before = counted("accepted"), counted("refused")
    sign_in()
    sign_in(password="nine lives of a cat")
    assert (counted("accepted"), counted("refused")) == (before[0] + 1, before[1] + 1)


def test_a_session_expires(sign_in, client, settings):
    assert settings.SESSION_COOKIE_AGE == 12 * 3600
    sign_in(password="nine lives of a cat")
    assert client.cookies["sessionid"]["max-age"] == 12 * 3600 and client.cookies["sessionid"]["httponly"]
    settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = True
    sign_in("ada", password="nine lives of a cat")
    assert client.cookies["sessionid"]["max-age"] == ""
