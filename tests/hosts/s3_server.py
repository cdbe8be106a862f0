"""An S3 server in a process of its own."""

import subprocess
import sys
import time
from contextlib import closing, suppress
from socket import create_connection

import boto3

from tests.serving.conftest import free_port

BUCKET, PREFIX = "tabularium", "files"
KEYS = {"FILES_ACCESS_KEY": "site", "FILES_SECRET_KEY": "secret", "FILES_REGION": "eu-central-1"}


def environment_of(endpoint: str) -> dict[str, str]:
    """Return the settings of a site that stores its files on an S3 server."""
    return KEYS | {"FILES_STORAGE": f"s3://{BUCKET}/{PREFIX}", "FILES_ENDPOINT": endpoint}


def client_of(endpoint: str):
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=KEYS["FILES_REGION"],
        aws_access_key_id=KEYS["FILES_ACCESS_KEY"],
        aws_secret_access_key=KEYS["FILES_SECRET_KEY"],
    )


def create_bucket(endpoint: str) -> None:
    region = {"LocationConstraint": KEYS["FILES_REGION"]}
    client_of(endpoint).create_bucket(Bucket=BUCKET, CreateBucketConfiguration=region)


class S3Server:
    """An S3 server in a process of its own, with its files in memory, and the bucket of the tests."""

    def __init__(self) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError), closing(create_connection(("127.0.0.1", self.port), timeout=1)):
                create_bucket(self.endpoint)
                return
            time.sleep(0.1)
        raise AssertionError("The S3 server did not start.")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def client(self):
        return client_of(self.endpoint)

    def names(self) -> list[str]:
        """Return the names of all stored files, without the prefix of the site."""
        found = self.client().list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [entry["Key"].removeprefix(f"{PREFIX}/") for entry in found]

    def write(self, name: str, content: bytes) -> None:
        self.client().put_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}", Body=content)
