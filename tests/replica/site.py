"""A client of the site: API requests, pages of a curator, and metrics."""

import http.client
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from tests.conftest import ROOT
from tests.serving.conftest import Server

NAME, PASSWORD = "curator", "kelp-otter-4711"
CREATE = f"""
from django.contrib.auth.models import User
User.objects.create_superuser({NAME!r}, password={PASSWORD!r})
"""


def create_curator(environment: dict[str, str]) -> None:
    """Create the curator's account."""
    command = [sys.executable, "manage.py", "shell", "--command", CREATE]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Fields(HTMLParser):
    """The fields of the forms of a page with their values."""

    def __init__(self, page: str):
        super().__init__()
        self.values: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "input" and attributes.get("name") and attributes.get("type") not in ("submit", "search", "checkbox"):
            self.values[attributes["name"]] = attributes.get("value") or ""


class Site:
    """The site at the address of *server*. Pages are requested as the curator, and /api/ with *token*."""

    def __init__(self, server: Server, token: str):
        self.server, self.token = server, token
        self.browser = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET request with the token, and return the whole response."""
        with self.opened(path, **headers) as answer:
            return Answer(answer.status, answer.headers, answer.read())

    def post(self, path: str, **fields: str) -> Answer:
        """Send a POST request with the token."""
        with self.opened(path, urlencode(fields), Content_Type="application/x-www-form-urlencoded") as answer:
            return Answer(answer.status, answer.headers, answer.read())

    @contextmanager
    def opened(self, path: str, body: str | None = None, **headers: str) -> Iterator[http.client.HTTPResponse]:
        """Send a request with the token, and yield the response before its body is read."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)) as connection:
            headers = {name.replace("_", "-"): value for name, value in headers.items()}
            headers |= {"Authorization": f"Bearer {self.token}"}
            connection.request("GET" if body is None else "POST", path, body, headers)
            yield connection.getresponse()

    def page(self, path: str, **fields: str) -> Answer:
        """Request a page as the curator; with fields, submit the form of the page with these values."""
        address = f"http://127.0.0.1:{self.server.port}{path}"
        data = None
        if fields:
            form = self.page(path)
            data = urlencode(Fields(form.text).values | fields).encode()
        try:
            answer = self.browser.open(Request(address, data, {"Referer": address}), timeout=60)
        except HTTPError as error:
            answer = error
        with answer:
            return Answer(answer.status, answer.headers, answer.read())

    def sign_in(self) -> Answer:
        """Sign in as the curator."""
        return self.page("/sign-in/", username=NAME, password=PASSWORD, next="/admin/")

    def metrics(self) -> Counter[tuple[str, ...]]:
        """Return the counters of statements, by server, table and verb, and of requests, by answer."""
        text = self.get("/metrics").text
        counts: Counter[tuple[str, ...]] = Counter()
        for labels, value in re.findall(
            r"^tabularium_(?:table_queries|replica_requests)_total{(.*)} (\S+)$", text, re.M
        ):
            known = dict(re.findall(r'(\w+)="(\w+)"', labels))
            key = (known["answer"],) if "answer" in known else (known["server"], known["table"], known["verb"])
            counts[key] = int(float(value))
        return counts

    def gauge(self, name: str) -> float:
        """Return the value of a metric without labels."""
        return float(re.search(rf"^tabularium_{name} (\S+)$", self.get("/metrics").text, re.MULTILINE)[1])

    def request(self, path: str) -> str:
        """Send a GET request, which must succeed, with the token or as the curator. Return its body."""
        answer = self.get(path) if path.startswith("/api/") else self.page(path)
        assert answer.status == 200, (path, answer.status, answer.text)
        return answer.text

    def answers(self, *paths: str) -> dict[str, int]:
        """Send requests, and return who has answered how many of them."""
        before = self.metrics()
        for path in paths:
            self.request(path)
        return {key[0]: count for key, count in (self.metrics() - before).items() if len(key) == 1}
