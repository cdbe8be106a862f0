"""Forwarded headers (HTTPS, addresses, hosts) are trusted only from a trusted proxy."""

from ipaddress import ip_network

import pytest

from monitoring.client_ip import client_address, is_within


@pytest.fixture
def behind_a_proxy(settings):
    settings.TRUST_PROXY, settings.TRUSTED_PROXIES = True, [ip_network("10.0.0.0/8")]
    settings.SECURE_PROXY_SSL_HEADER, settings.SECURE_SSL_REDIRECT = ("HTTP_X_FORWARDED_PROTO", "https"), True


@pytest.mark.django_db
def test_only_the_proxy_can_declare_https(client, behind_a_proxy):
    headers = {"x-forwarded-proto": "https"}
    assert client.get("/sign-in/", REMOTE_ADDR="10.0.0.2", headers=headers).status_code == 200
    stranger = client.get("/sign-in/", REMOTE_ADDR="192.0.2.7", headers=headers)
    assert (stranger.status_code, stranger["Location"]) == (301, "https://testserver/sign-in/")


@pytest.mark.django_db
def test_hsts_is_sent_over_https_only(client, behind_a_proxy, settings):
    settings.SECURE_HSTS_SECONDS = 60
    headers = {"x-forwarded-proto": "https"}
    assert "max-age=60" in client.get("/sign-in/", REMOTE_ADDR="10.0.0.2", headers=headers)["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in client.get("/sign-in/", REMOTE_ADDR="10.0.0.2")


def test_gunicorn_itself_believes_nobody(serve, transactional_db):
    server = serve(DEBUG="off", HTTPS="on", STATIC_ROOT="var/none")
    status, headers, _ = server.get("/api/", X_Forwarded_Proto="https")
    assert (status, headers["location"]) == (
        301,
        "https://127.0.0.1/api/".replace("127.0.0.1", f"127.0.0.1:{server.port}"),
    )
    trusting = serve(DEBUG="off", HTTPS="on", STATIC_ROOT="var/none", TRUST_PROXY="on")
    assert trusting.get("/api/", X_Forwarded_Proto="https")[0] == 401  # no redirect


def test_an_address_belongs_to_one_network_or_none(rf, settings):
    settings.TRUST_PROXY = False

    def of(address: str, **headers: str) -> str | None:
        return client_address(rf.get("/", REMOTE_ADDR=address, headers=headers))

    assert of("192.0.2.7", **{"x-forwarded-for": "192.0.2.9"}) == "192.0.2.7"
    assert of("2001:db8::1:2:3:4") == of("2001:db8::9") == "2001:db8::"
    assert of("") is None and of("nonsense") is None
    assert is_within("::ffff:10.1.2.3", [ip_network("10.0.0.0/8")]) and not is_within("nonsense", [])
