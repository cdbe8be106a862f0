"""Fixtures: gunicorn with two processes on the test's database, and its metrics."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import ROOT

Samples = dict[tuple[str, frozenset], float]


def samples_of(text: str) -> Samples:
    """Return every sample by name and labels."""
    families = text_string_to_metric_families(text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return the value of one sample, or 0 if it does not exist."""
    return samples.get((f"tabularium_{name}", frozenset(labels.items())), 0)


@dataclass
class Server:
    """A gunicorn process, its addresses, and its log files."""

    process: subprocess.Popen
    port: int
    log: Path
    access: Path

    def get(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request by a new connection; return status, headers and body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port)) as connection:
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()

    def samples(self) -> Samples:
        status, _, body = self.get("/metrics")
        assert status == 200, body
        return samples_of(body.decode())

    def workers(self) -> set[str]:
        """Return the ids of the worker processes."""
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()


@pytest.fixture
def serve(child_environment, tmp_path) -> Iterator[Callable[..., Server]]:
    """A function that starts gunicorn with environment variables and waits until it answers."""
    servers = []

    def serve(**variables: str) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        log, access = tmp_path / f"log{port}", tmp_path / f"access{port}"
        command = f"-m gunicorn config.wsgi --config config/gunicorn.py --bind 127.0.0.1:{port}".split()
        environment = child_environment | {"WEB_CONCURRENCY": "2", "HTTPS": "off"} | variables
        environment |= {"ALLOWED_HOSTS": "127.0.0.1", "SECRET_KEY": os.urandom(40).hex()}
        with log.open("wb") as errors, access.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *command], env=environment, cwd=ROOT, stdout=output, stderr=errors
            )
        server = Server(process, port, log, access)
        servers.append(server)
        while True:
            with contextlib.suppress(OSError):
                server.get("/healthz")
                return server
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)

    yield serve
    for server in servers:
        server.stop()
