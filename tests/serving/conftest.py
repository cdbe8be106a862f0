"""Fixtures: a gunicorn without a database, for requests that do not reach a view."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

import pytest

from tests.conftest import ABSENT, ROOT

# Reduced limits, so that a test takes seconds.
QUICK = {
    "HEADER_SECONDS": "2",
    "BODY_SECONDS": "2",
    "SEND_SECONDS": "2",
    "UPLOAD_GRACE": "2",
    "UPLOAD_RATE": "1000",
    "WEB_CONCURRENCY": "1",
    "WEB_THREADS": "4",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Server:
    """A gunicorn: its address, and the address of its probes."""

    process: subprocess.Popen
    port: int
    health: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def say(self, request: bytes) -> bytes:
        """Send bytes and return all bytes received until the server closes the connection."""
        with self.connect() as connection:
            connection.sendall(request)
            return everything(connection)

    def get(self, path: str, port: int | None = None) -> bytes:
        with socket.create_connection(("127.0.0.1", port or self.port), timeout=30) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            return everything(connection)


def everything(connection: socket.socket) -> bytes:
    """Return all bytes received until the server closes the connection."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def start(folder, environment: dict[str, str], limits: dict[str, str] = QUICK) -> Server:
    """Start gunicorn and wait until it answers."""
    port, health = free_port(), free_port()
    command = [sys.executable, *f"-m gunicorn config.wsgi --config config/gunicorn.py --bind 127.0.0.1:{port}".split()]
    environment = environment | limits | {"HTTPS": "off", "HEALTH_PORT": str(health), "ENV_FILE": ""}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    while True:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", health), timeout=30)):
            return Server(process, port, health)
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Server:
    """A gunicorn shared by the tests of a module; its database has no tables."""
    folder = tmp_path_factory.mktemp("gunicorn")
    files = {"DATABASE_URL": f"sqlite:///{folder / 'none.sqlite3'}", "MEDIA_ROOT": str(folder / "media")}
    server = start(folder, os.environ | files | {"PYTHONPATH": str(ABSENT)})
    yield server
    server.process.terminate()
    server.process.wait()


@pytest.fixture
def serving(child_environment, tmp_path) -> Callable[[], Server]:
    """A function that starts gunicorn on the test's database."""
    servers = []

    def serving() -> Server:
        servers.append(start(tmp_path, child_environment))
        return servers[-1]

    yield serving
    for server in servers:
        server.process.terminate()
        server.process.wait()
