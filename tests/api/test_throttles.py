"""Throttling by IP address or token: Retry-After, and no limit for an empty rate."""

from unittest.mock import Mock

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.db.models import F
from django.test import Client
from rest_framework.settings import api_settings

from api.throttling import AddressThrottle
from datasets.http.request_rates import delete_unused
from datasets.models import RequestRate
from datasets.tokens import make_token

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]
ADDRESS = "/api/people/places/"


@pytest.fixture(autouse=True)
def counted_anew():
    AddressThrottle.cache.clear()
    yield
    AddressThrottle.cache.clear()


@pytest.fixture
def rates(settings):
    def rates(anonymous="", token=""):
        settings.API_RATES = {"anonymous": anonymous, "token": token}

    return rates


def statuses(client, count, **options):
    return [client.get(ADDRESS, **options).status_code for _ in range(count)]


def test_a_throttled_address_gets_retry_after(client, rates):
    rates(anonymous="2/hour")
    assert statuses(client, 3) == [200, 200, 429]
    answer = client.get(ADDRESS)
    seconds = int(answer["Retry-After"])
    assert 1700 < seconds <= 1800 and answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == f"Too many requests. Try again in {seconds} seconds."
    assert statuses(client, 1, REMOTE_ADDR="192.0.2.7") == [200]


def test_the_rate_recovers_with_time(client, rates, monkeypatch):
    rates(anonymous="2/hour")
    now = 1_000_000.0
    monkeypatch.setattr(AddressThrottle, "timer", lambda throttle: now)
    assert statuses(client, 3) == [200, 200, 429]
    now += 1700
    assert client.get(ADDRESS)["Retry-After"] == "100"
    now += 100
    assert statuses(client, 2) == [200, 429]
    now += 7200
    assert statuses(client, 3) == [200, 200, 429]


@pytest.mark.both_engines
def test_shared_rates_are_counted_for_all_processes(client, rates, settings):
    settings.API_RATES_SHARED = True
    rates(anonymous="2/hour")
    assert statuses(client, 2) == [200, 200]
    AddressThrottle.cache.clear()  # as in another process
    assert statuses(client, 1) == [429]
    assert 1700 < int(client.get(ADDRESS)["Retry-After"]) <= 1800
    assert statuses(client, 1, REMOTE_ADDR="192.0.2.7") == [200]
    delete_unused()
    assert statuses(client, 1) == [429]
    RequestRate.objects.update(arrival=F("arrival") - 7200)
    delete_unused()
    assert not RequestRate.objects.exists() and statuses(client, 3) == [200, 200, 429]


def test_shared_rates_without_the_database_are_counted_for_each_process(client, rates, settings, monkeypatch):
    settings.API_RATES_SHARED = True
    rates(anonymous="1/hour")
    monkeypatch.setattr("api.throttling.too_early", Mock(side_effect=OperationalError))
    assert statuses(client, 2) == [200, 429]


def test_an_empty_rate_means_no_limit(client, rates):
    rates()
    assert statuses(client, 5) == [200] * 5


def test_each_token_has_a_separate_rate_from_any_address(rates, client):
    rates(anonymous="1/hour", token="2/hour")
    user = get_user_model().objects.create_superuser("root")
    first, second = (
        Client(headers={"authorization": f"Bearer {make_token(user, name, ['read'])[1]}"}) for name in ("one", "two")
    )
    assert statuses(first, 2) == statuses(second, 2) == [200, 200]
    assert statuses(first, 1, REMOTE_ADDR="192.0.2.7") == [429]
    assert statuses(client, 2) == [200, 429]
    client.force_login(user)
    assert statuses(client, 3) == [200, 200, 429]


def test_guessing_tokens_counts_too(rates):
    rates(anonymous="2/hour")
    assert statuses(Client(headers={"authorization": "Bearer guess"}), 3) == [401, 401, 429]


def test_forwarded_headers_of_a_client_are_ignored(client, rates):
    rates(anonymous="1/hour")
    assert statuses(client, 1, HTTP_X_FORWARDED_FOR="192.0.2.1") == [200]
    assert statuses(client, 1, HTTP_X_FORWARDED_FOR="192.0.2.2") == [429]


def test_behind_a_proxy_the_last_forwarded_address_counts(client, rates, monkeypatch, settings):
    rates(anonymous="1/hour")
    settings.TRUST_PROXY = True
    monkeypatch.setattr(api_settings, "NUM_PROXIES", 1, raising=False)
    assert statuses(client, 1, HTTP_X_FORWARDED_FOR="198.51.100.1, 192.0.2.1") == [200]
    assert statuses(client, 1, HTTP_X_FORWARDED_FOR="198.51.100.2, 192.0.2.1") == [429]
    assert statuses(client, 1, HTTP_X_FORWARDED_FOR="198.51.100.1, 192.0.2.2") == [200]


def test_an_ipv6_network_counts_as_one_address(client, rates):
    rates(anonymous="1/hour")
    assert statuses(client, 1, REMOTE_ADDR="2001:db8::1") == [200]
    assert statuses(client, 1, REMOTE_ADDR="2001:db8::2") == [429]
    assert statuses(client, 1, REMOTE_ADDR="2001:db8:0:1::1") == [200]


def test_throttling_does_not_query_the_database(client, rates, django_assert_num_queries):
    rates(anonymous="100/minute", token="100/minute")
    with django_assert_num_queries(0):
        client.get("/api/")
