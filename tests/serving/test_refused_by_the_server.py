"""Requests that gunicorn itself refuses get the same problem document, or a page."""

import json
import time

import pytest

CASES = {
    "an address that is too long": (b"GET {path}?q=" + b"x" * 8190 + b" HTTP/1.1\r\nHost: localhost\r\n", 414),
    "one that never ends": (b"GET {path}?q=" + b"x" * 20_000, 414),
    "raw UTF-8": ("GET {path}?search=Zoë HTTP/1.1\r\nHost: localhost\r\n".encode(), 400),
    "a header without a colon": (b"GET {path} HTTP/1.1\r\nHost: localhost\r\nNonsense\r\n", 400),
    "a header with a space in its name": (b"GET {path} HTTP/1.1\r\nHost: localhost\r\nX Y: 1\r\n", 400),
    "a control character in a header": (b"GET {path} HTTP/1.1\r\nHost: localhost\r\nX: \x01\r\n", 400),
    "a header that is too long": (b"GET {path} HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 9000 + b"\r\n", 431),
    "headers that are too long together": (b"GET {path} HTTP/1.1\r\n" + (b"X: " + b"y" * 8000 + b"\r\n") * 9, 431),
    "too many headers": (b"GET {path} HTTP/1.1\r\nHost: localhost\r\n" + b"X: 1\r\n" * 101, 431),
    "two hosts": (b"GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
    "two lengths": (b"GET {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n", 400),
    "a length that is no number": (b"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n", 400),
    "a length and chunks": (
        b"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        400,
    ),
    "chunks that are none": (b"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    "an unknown encoding": (b"GET {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: rot13, chunked\r\n\r\n0\r\n", 501),
    "an encoding alone": (b"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n", 501),
    "an encoding before chunks": (b"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
    "a space in the address": (b"GET {path}?search=two words HTTP/1.1\r\nHost: a\r\n", 400),
    "an unknown expectation": (b"GET {path} HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n", 417),
    "lines without CR": (b"GET {path} HTTP/1.1\nHost: localhost\n", 400),
    "another protocol": (b"\x16\x03\x01\x02\x00\x01\x00\r\n", 400),
}


@pytest.mark.parametrize(("request_bytes", "status"), CASES.values(), ids=CASES)
def test_a_request_that_cannot_be_read_gets_a_problem_document_or_a_page(server, request_bytes, status):
    response = server.say(request_bytes.replace(b"{path}", b"/api/people/") + b"\r\n")
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), response
    assert b"Connection: close" in head and b"no-store" in head
    if b"{path}" not in request_bytes:
        return
    assert b"Content-Type: application/problem+json" in head
    problem = json.loads(body)
    assert problem["status"] == status and problem["type"] == "about:blank" and problem["detail"].endswith(".")
    response = server.say(request_bytes.replace(b"{path}", b"/explore/") + b"\r\n")
    assert (
        response.startswith(b"HTTP/1.1 %d " % status)
        and b"Content-Type: text/html" in response
        and b"</html>" in response
    )


def test_a_client_that_accepts_json_gets_the_problem_document_anywhere(server):
    response = server.say(b"GET /explore/?\xeb HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in response


def test_a_url_of_the_maximum_length_reaches_the_site(server):
    path = b"/healthz?q="
    line = b"GET " + path + b"x" * (8190 - len(b"GET  HTTP/1.1") - len(path)) + b" HTTP/1.1"
    assert len(line) == 8190
    response = server.say(line + b"\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert response.split(b" ")[1] != b"414" or b"8,190" not in response  # the site may have another limit


def test_health_checks_have_a_separate_port(server):
    assert server.get("/healthz", server.health).endswith(b'{"process": "alive"}')
    assert server.get("/readyz", server.health).startswith(b"HTTP/1.1 503 ")  # the database has no tables
    assert server.get("/api/", server.health).startswith(b"HTTP/1.1 404 ")


def test_a_space_in_a_url_is_reported(server):
    response = server.say(b"GET /api/people/places/?search=two words HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert response.startswith(b"HTTP/1.1 400 ") and b"%20" in response


def test_a_transfer_encoding_that_is_unknown_is_refused_at_once(server):
    for encoding in (b"gzip", b"gzip, chunked", b"chunked, gzip"):
        start = time.monotonic()
        response = server.say(b"POST /api/imports/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n" % encoding)
        assert response.startswith(b"HTTP/1.1 501 ") and time.monotonic() - start < 1.5
