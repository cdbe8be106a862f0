"""Errors of the API are problem documents (RFC 9457) without internal details."""

import logging

import pytest
from django.db import OperationalError

from api import viewsets

pytestmark = pytest.mark.django_db


def problem(answer, status):
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    data = answer.json()
    assert data["status"] == status and data["type"] == "about:blank" and data["title"]
    return data


@pytest.mark.parametrize(
    "address", ["/api/nothing/", "/api/census/nothing/", "/api/nothing", "/api/census/respondents/1/more/"]
)
def test_an_unknown_address_refers_to_the_list_of_all_lists(client, address):
    answer = client.get(address, follow=True)
    assert problem(answer, 404)["detail"].endswith("See /api/ for all lists.")


def test_a_missing_record_is_named(client):
    assert problem(client.get("/api/census/respondents/7/"), 404)["detail"] == "There is no respondent 7."


def test_unsupported_methods_and_formats(client):
    assert "POST" in problem(client.post("/api/census/respondents/"), 405)["detail"]
    problem(client.get("/api/census/respondents/", headers={"accept": "image/png"}), 406)


def test_users_without_access_are_asked_to_sign_in(client, settings, django_user_model):
    settings.API_ANONYMOUS_READ = False
    response = client.get("/api/census/respondents/")
    problem(response, response.status_code)
    assert response.status_code in (401, 403)
    client.force_login(django_user_model.objects.create_user("stranger"))
    problem(client.get("/api/census/respondents/"), 403)


def test_an_internal_error_has_a_reference_that_is_in_the_log(client, monkeypatch, caplog):
    def fail(*arguments):
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr(viewsets, "page", fail)
    client.raise_request_exception = False
    with caplog.at_level(logging.ERROR):
        problem_details = problem(client.get("/api/census/respondents/"), 500)
    assert "swordfish" not in str(problem_details) and problem_details["id"] in problem_details["detail"]
    assert any(problem_details["id"] in record.getMessage() for record in caplog.records) and "swordfish" in caplog.text


def test_an_unavailable_database_gets_503_with_retry_after(client, monkeypatch):
    def fail(*arguments):
        raise OperationalError("connection to server at 10.0.0.7 failed")

    monkeypatch.setattr(viewsets, "page", fail)
    answer = client.get("/api/census/respondents/")
    assert "10.0.0.7" not in str(problem(answer, 503)) and int(answer["Retry-After"]) > 0


def test_a_page_in_a_browser_shows_the_problem(client):
    answer = client.get("/api/census/respondents/?nonsense=1", headers={"accept": "text/html"})
    assert answer.status_code == 400 and "Unknown parameter." in answer.text
