"""Fixtures of the stack's tests, which only `make test-stack` runs: they need a Docker engine and several minutes."""

import os
import re
from urllib.parse import urlencode
from urllib.request import OpenerDirector, Request
from urllib.response import addinfourl

import pytest

from tests.stack.load import Load, Question, learn
from tests.stack.stack import Stack, new_browser

if "TEST_STACK" not in os.environ:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """A new stack that is removed completely after the tests."""
    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.start()
        yield stack
    finally:
        stack.remove()


@pytest.fixture(scope="session")
def link(stack) -> str:
    """The link to set the first account's password, from the output of the stack's first start."""
    return re.search(r"http://\S+/admin/welcome/\S+", stack.run("docker", "compose", "logs", "migrate").stdout)[0]


@pytest.fixture(scope="session")
def password(stack, link) -> str:
    """The first account's password, set by its link."""
    password = "kelp-otter-4711"
    _send(new_browser(), link, new_password1=password, new_password2=password)
    return password


@pytest.fixture
def curator(stack, password) -> OpenerDirector:
    """A client with the first account logged in."""
    browser = new_browser()
    page = _send(browser, f"http://localhost:{stack.port}/sign-in/?next=/admin/", username="admin", password=password)
    assert page.url == f"http://localhost:{stack.port}/admin/" and page.status == 200
    return browser


def _send(browser: OpenerDirector, address: str, **fields: str) -> addinfourl:
    """Submit the form of an address and return the resulting page."""
    form = browser.open(address)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', form.read().decode())[1]
    answer = urlencode({"csrfmiddlewaretoken": token} | fields).encode()
    return browser.open(Request(form.url, answer, {"Referer": form.url}))


@pytest.fixture
def show(capsys, request):
    """A function that prints the observations of a check, even if it fails."""

    def say(*words) -> None:
        with capsys.disabled():
            print(f"\n  {request.node.name}:", *words)

    return say


@pytest.fixture
def load(stack) -> Load:
    """Load with requests for records, summaries, a form and a download, and with invalid POST requests."""
    port, token = stack.port, stack.token
    questions = [
        learn(port, token, "births", "/api/people/births-by-country/"),
        learn(port, token, "people", "/api/people/people/?page_size=20"),
        learn(port, token, "features", "/api/experiments/user-features/?total_experiments__gte=18"),
        learn(port, token, "post", "/api/imports/", method="POST", status=400),
        Question("form", "GET", "/sign-in/", 200),
    ]
    return Load(port, token, questions, long=learn(port, token, "download", "/api/census/respondents/?format=csv"))
