"""Health checks on a separate port and thread, so that they are answered when all other threads are busy."""

import contextlib
import socket
import sys
import threading
from time import monotonic

from django.db import connections

from config.env import number
from monitoring import health

SECONDS = 2  # maximum time to receive a request
MOST = 4096  # bytes of a request
PATHS = ("/healthz", "/readyz")

listening: list[socket.socket] = []  # here, because a HUP reloads config/gunicorn.py


def listen() -> None:
    """Listen on HEALTH_PORT before gunicorn forks; 0, the default, disables it."""
    port = number("HEALTH_PORT", default=0)
    if not port or listening:
        return
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        print(f"HEALTH_PORT is {port}, but the server cannot listen on it: {error}.", file=sys.stderr)
        sys.exit(4)
    listener.listen(64)
    listening.append(listener)


def answer_in_background() -> None:
    """Start a daemon thread of this process that answers health checks."""
    for listener in listening:
        threading.Thread(target=_answer_all, args=(listener,), name="health", daemon=True).start()


def _answer_all(listener: socket.socket) -> None:
    while True:
        with contextlib.suppress(OSError):
            probe, _ = listener.accept()
            with probe:
                probe.sendall(_answer(_path(probe)))


def _path(probe: socket.socket) -> str:
    request, end = b"", monotonic() + SECONDS
    while b"\r\n\r\n" not in request and len(request) < MOST and (left := end - monotonic()) > 0:
        probe.settimeout(left)
        piece = probe.recv(MOST)
        if not piece:
            break
        request += piece
    words = request.split(b"\r\n", 1)[0].split(b" ")
    return words[1].decode("latin-1").partition("?")[0] if len(words) == 3 else ""


def _answer(path: str) -> bytes:
    if path not in PATHS:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    try:
        response = health.alive(None) if path == "/healthz" else health.ready(None)
    finally:
        connections.close_all()
    head = f"HTTP/1.1 {response.status_code} {response.reason_phrase}\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(response.content)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    return head.encode("latin-1") + response.content
