"""Uploads to a real gunicorn: complete ones start imports, slow ones have a time limit, others leave no files."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from datasets.tokens import make_token
from imports.models import ImportRun
from tests.serving.conftest import everything

LARGE = 2**20 + 1  # bytes of the smallest upload that a thread reads while it arrives
PLACES = "city,county,country\n" + "".join(f"City {n},Roxburghshire,Scotland\n" for n in range(400))
BODY = (
    '--x\r\nContent-Disposition: form-data; name="dataset"\r\n\r\npeople\r\n'
    '--x\r\nContent-Disposition: form-data; name="mode"\r\n\r\npreview\r\n'
    '--x\r\nContent-Disposition: form-data; name="files"; filename="places.csv"\r\n\r\n'
    f"{PLACES}\r\n--x--\r\n"
).encode()


@pytest.fixture
def server(serving, admin_user):
    server = serving()
    _, server.secret = make_token(admin_user, "raw", ["read", "import"])
    return server


def head(server, length: str) -> bytes:
    return (
        f"POST /api/imports/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.secret}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\n{length}\r\n\r\n"
    ).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def send(server, body: bytes, pieces: int = 1, pause: float = 0.0, length: int | None = None) -> bytes:
    """Upload in pieces and return the response."""
    with server.connect() as connection:
        connection.sendall(head(server, f"Content-Length: {length or len(body)}"))
        size = -(-len(body) // pieces)
        try:
            for at in range(0, len(body), size):
                connection.sendall(body[at : at + size])
                time.sleep(pause)
        except OSError:
            pass
        if length:
            connection.shutdown(1)
        return everything(connection)


def kept(settings) -> list[str]:
    return [path.name for path in (settings.MEDIA_ROOT / "imports").glob("*")]


def test_uploads_are_complete_or_leave_no_files(server, settings):
    # Incomplete: announced but cut off; the thread is free again.
    for length, message in ((len(BODY), b"was incomplete"), (LARGE, b"is incomplete")):
        response = send(server, BODY[:6000], length=length)
        assert response.startswith(b"HTTP/1.1 400 ") and message in response and b"application/problem+json" in response
    # Too slow: a byte at intervals.
    start = time.monotonic()
    response = send(server, BODY[:100], pieces=100, pause=0.5)
    assert time.monotonic() - start < 40 and not response.startswith(b"HTTP/1.1 2") and b"incomplete" not in response
    for length, message in ((len(BODY), b"arrived too slowly"), (LARGE, b"arrived too slowly")):
        with server.connect() as connection:
            connection.sendall(head(server, f"Content-Length: {length}") + BODY[:100])
            response = everything(connection)
        assert response.startswith(b"HTTP/1.1 408 ") and message in response
    # In chunks: cut off before the last one, malformed, and above the limit.
    for sent in (chunk(BODY[:6000]), chunk(BODY), b"zz\r\n"):
        with server.connect() as connection:
            connection.sendall(head(server, "Transfer-Encoding: chunked") + sent)
            connection.shutdown(1)
            response = everything(connection)
        assert response.startswith(b"HTTP/1.1 400 "), response
    assert kept(settings) == [] and not ImportRun.objects.exists()
    # Longer than the grace period, at a steady pace; and in chunks.
    start = time.monotonic()
    response = send(server, BODY, pieces=8, pause=0.5)
    assert response.startswith(b"HTTP/1.1 202 ") and time.monotonic() - start > 2
    ImportRun.objects.update(status=ImportRun.Status.CANCELLED)
    with server.connect() as connection:
        connection.sendall(head(server, "Transfer-Encoding: chunked") + chunk(BODY[:500]))
        connection.sendall(chunk(BODY[500:]) + b"0\r\n\r\n")
        response = everything(connection)
    assert response.startswith(b"HTTP/1.1 202 ") and b"Connection: close" in response
    assert ImportRun.objects.count() == 2 and len(kept(settings)) == 1


@contextmanager
def slow_uploads(server, secrets: list[str]) -> Iterator[None]:
    """Unfinished uploads, one for each token."""
    done = threading.Event()
    large = BODY[:300] + b"x" * 200_000

    def trickle(secret: str) -> None:
        with server.connect() as connection, suppress(OSError):
            request_head = head(server, f"Content-Length: {2 * LARGE}").replace(server.secret.encode(), secret.encode())
            connection.sendall(request_head + large)
            while not done.wait(0.2):
                connection.sendall(b"x" * 400)  # slightly above the minimum speed

    slow = [threading.Thread(target=trickle, args=[secret]) for secret in secrets]
    for thread in slow:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in slow:
            thread.join()


def wait_for_uploads(settings, count: int) -> None:
    end = time.monotonic() + 20
    while len(under_way(settings)) != count and time.monotonic() < end:
        time.sleep(0.05)
    assert len(under_way(settings)) == count


def under_way(settings) -> list[str]:
    return [name for name in kept(settings) if name.startswith(".upload-")]


def test_uploads_use_half_of_the_threads_and_one_account_half_of_those(server, settings, django_user_model):
    # Four threads: two uploads at the same time, and one for each account.
    other = make_token(django_user_model.objects.create_superuser("other"), "raw", ["read", "import"])[1]
    with slow_uploads(server, [server.secret] * 4):
        wait_for_uploads(settings, 1)
        with slow_uploads(server, [other] * 3):
            wait_for_uploads(settings, 2)
            assert server.get("/api/").startswith(b"HTTP/1.1 200 ")
            # A small body does not count as an upload: neither a JSON document nor a small form.
            order = b'{"dataset": "nothing"}'
            with server.connect() as connection:
                request_head = head(server, f"Content-Length: {len(order)}\r\nConnection: close")
                connection.sendall(
                    request_head.replace(b"multipart/form-data; boundary=x", b"application/json") + order
                )
                assert everything(connection).startswith(b"HTTP/1.1 400 ")
            assert send(server, BODY).startswith(b"HTTP/1.1 202 ")
            # A large body gets a response after a short wait.
            start = time.monotonic()
            response = send(server, BODY, length=LARGE)
            assert (
                response.startswith(b"HTTP/1.1 503 ")
                and b"Retry-After: 30" in response
                and b"other uploads" in response
            )
            assert time.monotonic() - start < 20
            assert len(under_way(settings)) == 2


def test_a_slow_account_does_not_delay_uploads_of_another(server, settings, django_user_model):
    other = make_token(django_user_model.objects.create_superuser("other"), "raw", ["read", "import"])[1]
    with slow_uploads(server, [server.secret] * 6):
        wait_for_uploads(settings, 1)
        whole = chunk(BODY) + b"0\r\n\r\n"
        response = server.say(
            head(server, "Transfer-Encoding: chunked").replace(server.secret.encode(), other.encode()) + whole
        )
        assert response.startswith(b"HTTP/1.1 202 ")
