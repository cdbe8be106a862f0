"""Fixtures for several hosts: an S3 server. `make test-hosts` installs what they need."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from config.stored_files import storage_of

if not find_spec("moto"):
    pytest.exit("The packages of requirements-hosts.txt are not installed. Type: make test-hosts", returncode=1)

from tests.hosts.s3_server import BUCKET, PREFIX, S3Server, environment_of


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    server = S3Server()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server, settings, monkeypatch) -> S3Server:
    """An S3 server with an empty bucket, in which the site of the test stores its files."""
    for name in s3_server.names():
        s3_server.client().delete_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")
    environment = environment_of(s3_server.endpoint)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = settings.STORAGES | storage_of(environment["FILES_STORAGE"])
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "config.storage_middleware.StorageAnswer"]
    monkeypatch.setattr("imports.file_storage.LISTED", 0)
    return s3_server


@pytest.fixture
def on_host(settings, tmp_path) -> Callable[[str], Path]:
    """A function that continues the test on a host with a disk of its own, and returns the folder of its files."""

    def on_host(name: str) -> Path:
        settings.MEDIA_ROOT = tmp_path / name
        return settings.MEDIA_ROOT

    return on_host
