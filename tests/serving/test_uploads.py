"""Uploads to a real gunicorn: whole ones are imports, slow ones have their time, others leave nothing."""

import threading
import time

import pytest

from datasets.models import ImportRun
from datasets.tokens import make_token
from tests.serving.conftest import everything

PLACES = "city,county,country\n" + "".join(f"City {n},Roxburghshire,Scotland\n" for n in range(400))
BODY = (
    '--x\r\nContent-Disposition: form-data; name="dataset"\r\n\r\npeople\r\n'
    '--x\r\nContent-Disposition: form-data; name="mode"\r\n\r\nrehearse\r\n'
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
    """Upload in pieces; the answer."""
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


def test_uploads_arrive_whole_at_their_pace_or_leave_nothing(server, settings):
    # Not whole: announced, cut, and without a thread held any longer.
    told = send(server, BODY[:6000], length=len(BODY))
    assert told.startswith(b"HTTP/1.1 400 ") and b"is not whole" in told and b"application/problem+json" in told
    # Too slow: a byte now and then.
    start = time.monotonic()
    told = send(server, BODY[:100], pieces=100, pause=0.5)
    assert time.monotonic() - start < 40 and not told.startswith(b"HTTP/1.1 2") and b"is not whole" not in told
    with server.connect() as connection:
        connection.sendall(head(server, f"Content-Length: {len(BODY)}") + BODY[:100])
        told = everything(connection)
    assert told.startswith(b"HTTP/1.1 408 ") and b"came too slowly" in told
    # In chunks: cut before the last one, malformed, and more than may be uploaded.
    for sent in (chunk(BODY[:6000]), chunk(BODY), b"zz\r\n"):
        with server.connect() as connection:
            connection.sendall(head(server, "Transfer-Encoding: chunked") + sent)
            connection.shutdown(1)
            told = everything(connection)
        assert told.startswith(b"HTTP/1.1 400 "), told
    assert kept(settings) == [] and not ImportRun.objects.exists()
    # Slower than its grace lasts, at a steady pace; and in chunks.
    start = time.monotonic()
    told = send(server, BODY, pieces=8, pause=0.5)
    assert told.startswith(b"HTTP/1.1 202 ") and time.monotonic() - start > 2
    ImportRun.objects.update(status=ImportRun.Status.CANCELLED)
    with server.connect() as connection:
        connection.sendall(head(server, "Transfer-Encoding: chunked") + chunk(BODY[:500]))
        connection.sendall(chunk(BODY[500:]) + b"0\r\n\r\n")
        told = everything(connection)
    assert told.startswith(b"HTTP/1.1 202 ") and b"Connection: close" in told
    assert ImportRun.objects.count() == 2 and len(kept(settings)) == 1


def test_at_most_half_of_the_threads_hold_uploads(server, settings):
    assert server.get("/healthz").startswith(b"HTTP/1.1 200 ")
    end, large = time.monotonic() + 4, BODY[:300] + b"x" * 1_000_000

    def trickle():
        with server.connect() as connection:
            connection.sendall(head(server, f"Content-Length: {len(large)}") + large[:200_000])
            while time.monotonic() < end:
                connection.sendall(b"x" * 400)  # a little more than has to come
                time.sleep(0.2)

    slow = [threading.Thread(target=trickle) for _ in range(6)]
    for thread in slow:
        thread.start()
    held = answered = 0
    while time.monotonic() < end - 0.5:
        held = max(held, len([name for name in kept(settings) if name.startswith(".upload-")]))
        answered += server.get("/api/").startswith(b"HTTP/1.1 200 ")
        time.sleep(0.1)
    for thread in slow:
        thread.join()
    assert held == 2 and answered > 2
