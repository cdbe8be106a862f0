"""The Content Security Policy of the site's pages."""

import re

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.only_on("sqlite")]


@pytest.mark.parametrize(
    "address",
    [
        "/admin/",
        "/sign-in/",
        "/admin/people/person/",
        "/admin/people/person/add/",
        "/admin/people/person/?colour=red",
        "/admin/experiments/userexperiment/add/",
        "/admin/imports/importrun/",
        "/api/people/people/?format=json",
        "/static/datasets/tabularium.css",
    ],
)
def test_every_page_has_the_csp(admin_client, address):
    response = admin_client.get(address)
    response.close()
    policy = response["Content-Security-Policy"]
    directives = dict(part.split(" ", 1) for part in policy.split("; "))
    assert directives == {
        "default-src": "'self'",
        "img-src": "'self' data:",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
    }
    assert "unsafe" not in policy


def test_an_error_page_has_the_csp(client):
    assert "Content-Security-Policy" in client.get("/admin/people/person/")
    assert "Content-Security-Policy" in client.post("/sign-in/?next=/admin/", {"username": "x", "password": "y"})


@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/people/person/?_facets=True", "/admin/people/person/add/", "/sign-in/"]
)
def test_pages_have_no_inline_styles_or_scripts(admin_client, address):
    page = admin_client.get(address, follow=True).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
    assert not [script for script in re.findall(r"<script([^>]*)>", page) if "src=" not in script]
