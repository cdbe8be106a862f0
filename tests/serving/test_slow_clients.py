"""Slow or silent clients get an error after a time limit and do not delay other requests."""

import time
from contextlib import ExitStack

import pytest

from tests.serving.conftest import everything

FORM = (
    b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 500\r\n\r\nusername="
)
UPLOAD = (
    b"POST /api/imports/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    b"Content-Length: 5000000\r\n\r\n--x\r\n"
)


def test_a_site_with_many_slow_clients_serves_other_clients(server):
    with ExitStack() as clients:
        for at in range(400):
            connection = clients.enter_context(server.connect())
            connection.sendall([b"", b"GET / HTTP/1.1\r\nHo", FORM, UPLOAD][at % 4])
        for _ in range(10):
            assert server.get("/healthz").startswith(b"HTTP/1.1 200 ")
            assert server.get("/healthz", server.health).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nHost: local", b"408"),
        (FORM, b"408"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", b"408"),
    ],
    ids=["nothing", "headers", "a form", "chunks"],
)
def test_a_request_that_is_too_slow_is_refused(server, sent, status):
    with server.connect() as connection:
        connection.sendall(sent)
        start = time.monotonic()
        response = everything(connection)
    assert 1 < time.monotonic() - start < 20
    assert response.split(b" ")[1:2] == [status][: bool(status)]
    assert not response or (b"Connection: close" in response and b"arrived too slowly" in response)


def test_slow_headers_do_not_extend_the_time_limit(server):
    with server.connect() as connection:
        start = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\n")
        try:
            while time.monotonic() - start < 20:
                connection.sendall(b"X: 1\r\n")
                time.sleep(0.3)
        except OSError:
            pass
    assert time.monotonic() - start < 15


def test_a_complete_form_in_pieces_or_chunks_is_accepted(server):
    with server.connect() as connection:
        connection.sendall(FORM.replace(b"500", b"9").replace(b"\r\nHost", b"\r\nConnection: close\r\nHost")[:-4])
        time.sleep(0.3)
        connection.sendall(b"ame=")
        assert everything(connection).split(b" ")[1] == b"403"  # of a client without a token
    chunked = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(chunked + b"3\r\nabc")
        time.sleep(0.3)
        connection.sendall(b"\r\n0\r\n\r\n")
        assert everything(connection).split(b" ")[1] == b"403"


def test_a_form_with_an_expect_header_is_sent_once(server):
    with server.connect() as connection:
        connection.sendall(
            FORM.replace(b"500", b"3").replace(b"\r\nHost", b"\r\nConnection: close\r\nExpect: 100-continue\r\nHost")[
                :-9
            ]
        )
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"a=b")
        assert everything(connection).startswith(b"HTTP/1.1 403 ")


def test_several_requests_on_one_connection_are_answered_in_order(server):
    request_bytes = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    response = server.say(request_bytes * 3 + request_bytes.replace(b"\r\nHost", b"\r\nConnection: close\r\nHost"))
    assert response.count(b"HTTP/1.1 200 OK") == 4


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(server):
    large = FORM.replace(b"Content-Length: 500", b"Content-Length: 1048577")
    assert server.say(large).startswith(b"HTTP/1.1 413 ")
    chunks = b"POST /api/people/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n"
    response = server.say(chunks)
    assert response.startswith(b"HTTP/1.1 413 ") and b"application/problem+json" in response


def test_a_request_that_ends_early_is_refused(server):
    for sent in (FORM, b"GET / HTTP/1.1\r\nHost", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"):
        with server.connect() as connection:
            connection.sendall(sent)
            connection.shutdown(1)
            response = everything(connection)
        assert response.startswith(b"HTTP/1.1 400 ") and b"was incomplete" in response


def test_a_client_that_does_not_close_its_connection_delays_no_other(server):
    with ExitStack() as clients:
        for _ in range(20):
            connection = clients.enter_context(server.connect())
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        start = time.monotonic()
        assert server.get("/healthz").startswith(b"HTTP/1.1 200 ")
        assert time.monotonic() - start < 10  # if they were served one by one, each would take 2 s


def test_a_client_that_does_not_read_responses_occupies_a_thread_for_a_limited_time(server):
    large = b"GET /static/admin/js/vendor/jquery/jquery.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert len(server.say(large.replace(b"\r\nHost", b"\r\nConnection: close\r\nHost"))) > 200_000
    with ExitStack() as clients:
        for _ in range(6):  # more than the number of threads
            connection = clients.enter_context(server.connect())
            connection.sendall(large * 60)
        time.sleep(1)  # by now, the kernel's buffers of all connections are full
        assert server.get("/healthz").startswith(b"HTTP/1.1 200 ")
