"""Stored files in a bucket of an S3-compatible server. Loaded only if FILES_STORAGE is set."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from storages.backends.s3 import S3Storage

from imports.stored_entry import StorageError, StoredEntry

# The site verifies the SHA-256 of each file itself, and some servers do not know the newer checksums of boto3.
CLIENT = {"request_checksum_calculation": "when_required", "response_checksum_validation": "when_required"}
TIMES = {"connect_timeout": 5, "read_timeout": 30, "retries": {"mode": "standard", "max_attempts": 4}}


class S3Files(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """The bucket and the prefix of FILES_STORAGE.

    Raises StorageError if the server does not respond or refuses a request, and FileNotFoundError.
    """

    def get_default_settings(self) -> dict[str, Any]:
        defaults: dict[str, Any] = super().get_default_settings()
        transfer = TransferConfig(max_concurrency=4)
        return defaults | {"client_config": Config(**CLIENT, **TIMES), "transfer_config": transfer}

    def upload(self, path: Path, name: str) -> None:
        """Store the bytes of *path* under *name*. An existing file is replaced only when all bytes have arrived."""
        with self._answering() as client:
            client.upload_file(str(path), self.bucket_name, self._key(name), Config=self.transfer_config)

    def download(self, name: str, file: IO[bytes]) -> None:
        """Write the bytes of a stored file to *file*."""
        with self._answering() as client:
            client.download_fileobj(self.bucket_name, self._key(name), file, Config=self.transfer_config)

    def size_of(self, name: str) -> int:
        """Return the size of a stored file in bytes."""
        with self._answering() as client:
            size: int = client.head_object(Bucket=self.bucket_name, Key=self._key(name))["ContentLength"]
            return size

    def remove(self, name: str) -> None:
        """Delete a stored file, if it exists."""
        with self._answering() as client:
            client.delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def entries(self, prefix: str = "") -> Iterator[StoredEntry]:
        """Yield the stored files whose names start with *prefix*, without those in folders below it."""
        with self._answering() as client:
            start = self._key(prefix) if prefix else f"{self.location.rstrip('/')}/".lstrip("/")
            pages = client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket_name, Delimiter="/", Prefix=start):
                for found in page.get("Contents", ()):
                    name = found["Key"][len(self._key("")) :].lstrip("/")
                    yield StoredEntry(name, found["Size"], found["LastModified"].timestamp())

    def _key(self, name: str) -> str:
        return f"{self.location.strip('/')}/{name}".lstrip("/")

    @contextmanager
    def _answering(self) -> Iterator[Any]:
        """Yield the client of this thread, and raise its errors as OSError."""
        try:
            yield self.connection.meta.client
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("404", "NoSuchKey", "NotFound"):
                raise FileNotFoundError(errno.ENOENT, "The stored file does not exist") from error
            raise self._error(f"it refused the request ({code})") from error
        except (BotoCoreError, Boto3Error) as error:
            raise self._error(f"it does not respond ({type(error).__name__})") from error

    def _error(self, problem: str) -> StorageError:
        place = f"s3://{self.bucket_name}/{self.location}".rstrip("/")
        return StorageError(errno.EIO, f"The file storage {place} cannot be used: {problem}")
