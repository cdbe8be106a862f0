"""Fixtures for several hosts: an S3 server. `make test-hosts` installs what they need."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from socket import create_connection

import pytest

from config.stored_files import storage_of
from tests.serving.conftest import free_port

if not find_spec("moto"):
    pytest.exit("The packages of requirements-hosts.txt are not installed. Type: make test-hosts", returncode=1)

BUCKET, PREFIX = "tabularium", "files"
KEYS = {"FILES_ACCESS_KEY": "site", "FILES_SECRET_KEY": "secret", "FILES_REGION": "eu-central-1"}


class S3Server:
    """An S3 server in a process of its own, with its files in memory, and the bucket of the tests."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0, prefix: tuple[str, ...] = ()) -> None:
        self.address, self.port, self.prefix = address, port or free_port(), prefix
        self.start()

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a site that stores its files here."""
        endpoint = f"http://{self.address}:{self.port}"
        return KEYS | {"FILES_STORAGE": f"s3://{BUCKET}/{PREFIX}", "FILES_ENDPOINT": endpoint}

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [*self.prefix, sys.executable, "-m", "moto.server", "-H", self.address, "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError), closing(create_connection((self.address, self.port), timeout=1)):
                self.client().create_bucket(
                    Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": KEYS["FILES_REGION"]}
                )
                return
            time.sleep(0.1)
        raise AssertionError("The S3 server did not start.")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def client(self):
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=f"http://{self.address}:{self.port}",
            region_name=KEYS["FILES_REGION"],
            aws_access_key_id=KEYS["FILES_ACCESS_KEY"],
            aws_secret_access_key=KEYS["FILES_SECRET_KEY"],
        )

    def names(self) -> list[str]:
        """Return the names of all stored files, without the prefix of the site."""
        found = self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [entry["Key"].removeprefix(f"{PREFIX}/") for entry in found]

    def write(self, name: str, content: bytes) -> None:
        self.client().put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=content)


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
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = settings.STORAGES | storage_of(s3_server.environment["FILES_STORAGE"])
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
