"""Where stored files are: in a folder of this host, or in a bucket that all hosts use (FILES_STORAGE).

Readers need a path. For a bucket, they read a copy in a folder of this host, which is fetched at its first use and
removed when it was not used for an hour, or when the copies exceed FILES_COPIES.
"""

import hashlib
import os
import re
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import storages

from imports.stored_entry import StoredEntry

if TYPE_CHECKING:  # it needs boto3
    from imports.s3_files import S3Files

BACKEND = "imports"  # in STORAGES
TEMPORARY = ".upload-"  # prefix of the names of files that a request uploads
KEPT = ".upload-form-"  # prefix of the names of files of a form with errors, before the account and the SHA-256
SHA256 = re.compile("[0-9a-f]{64}")  # names of the files of runs
FOLDERS = "outcomes"  # the folder of stored folders
UNUSED, IN_USE = 60 * 60, 60  # seconds since the last use of a copy: it is removed, or it must not be removed
LISTED = 60  # seconds for which a listing of the bucket is used for quotas and metrics


class AlteredCopyError(OSError):
    """The bucket does not have the bytes that were stored in it."""


def bucket() -> "S3Files | None":
    """Return the bucket of FILES_STORAGE, or None if files are stored in a folder."""
    return storages[BACKEND] if BACKEND in settings.STORAGES else None  # type: ignore[return-value]


def check_bucket() -> None:
    """Write, list and delete a file in the bucket, if there is one. Raises StorageError."""
    if files := bucket():
        with tempfile.NamedTemporaryFile(dir=_existing_folder(), prefix=TEMPORARY) as draft:
            path = Path(draft.name)
            files.upload(path, path.name)
            list(files.entries(path.name))
            files.remove(path.name)


def folder() -> Path:
    """Return the folder of stored files, or of the copies of those in a bucket. Uploads begin there too."""
    return Path(settings.MEDIA_ROOT, "copies" if bucket() else "imports")


def kept_at(name: str) -> Path:
    """Return the path of a stored file. For a bucket, its copy may not exist yet."""
    return folder() / name


def fetched(path: Path, sha256: str) -> Path:
    """Return *path*, the path of a stored file, after fetching its copy if there is none.

    Raises FileNotFoundError, StorageError, and AlteredCopyError if the bytes do not have the SHA-256.
    """
    files = bucket()
    if files is None or path.parent != folder():
        return path
    if not _is_used(path):
        _fetch(files, path.name, path, sha256)
    return path


def drop_copy(path: Path) -> None:
    """Delete the copy of a file in a bucket, because its bytes have changed."""
    if bucket():
        path.unlink(missing_ok=True)


def store(path: Path, name: str) -> None:
    """Store the file *path* under *name*. It is a new file, or a stored one, which gets another name.

    Raises OSError if the folder is full, or if the bucket cannot be used.
    """
    files, target = bucket(), kept_at(name)
    if files and path != target:
        if not path.exists():
            _fetch(files, path.name, path, name[-64:])
        files.upload(path, name)
        if path.name.startswith(KEPT):
            files.remove(path.name)
    if files is None or path != target:
        os.replace(path, target)


def delete(name: str) -> None:
    """Delete a stored file, if it exists."""
    if files := bucket():
        files.remove(name)
    kept_at(name).unlink(missing_ok=True)


def size_of(name: str) -> int:
    """Return the size of a stored file in bytes. Raises FileNotFoundError."""
    files = bucket()
    return files.size_of(name) if files else kept_at(name).stat().st_size


def entries(prefix: str = "") -> list[StoredEntry]:
    """Return the stored files whose names start with *prefix*, and the files that are being uploaded to this host."""
    here = list(_entries_of(folder(), prefix))
    if files := bucket():
        stored = list(files.entries(prefix))
        names = {entry.name for entry in stored}
        return stored + [entry for entry in here if _is_incoming(entry.name) and entry.name not in names]
    return here


_listing: dict[str, Any] = {"until": 0.0, "entries": []}


def recent_entries() -> list[StoredEntry]:
    """Return the stored files. For a bucket, a listing is used for a minute, because listing is slow."""
    if bucket() is None:
        return entries()
    if time.monotonic() > _listing["until"]:
        remove_copies()
        _listing.update(entries=entries(), until=time.monotonic() + LISTED)
    return list(_listing["entries"])


def store_folder(path: Path) -> None:
    """Store the finished folder *path*, which is in ``kept_at("outcomes")``. Its files never change again."""
    if (files := bucket()) is None:
        return
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=_existing_folder(), prefix=TEMPORARY) as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(path, arcname=".")
        packed.flush()
        files.upload(Path(packed.name), _archive(path.name))


def fetched_folder(name: str) -> Path:
    """Return the path of a stored folder, which does not exist if there is none. Fetch its copy if necessary."""
    path, files = kept_at(FOLDERS) / name, bucket()
    if files is None or _is_used(path):
        return path
    with suppress(FileNotFoundError), tempfile.TemporaryDirectory(dir=_existing_folder(), prefix=TEMPORARY) as draft:
        packed, unpacked = Path(draft, "packed"), Path(draft, "unpacked")
        _fetch(files, _archive(name), packed, "")
        with tarfile.open(packed) as archive:
            archive.extractall(unpacked, filter="data")
        path.parent.mkdir(exist_ok=True)
        os.utime(unpacked)  # its use begins now, although it is older
        with suppress(OSError):  # another thread has fetched it
            unpacked.rename(path)
    return path


def delete_folders(prefix: str) -> None:
    """Delete the stored folders whose names start with *prefix*."""
    for path in kept_at(FOLDERS).glob(f"{prefix}*"):
        shutil.rmtree(path, ignore_errors=True)
    if files := bucket():
        for entry in files.entries(f"{FOLDERS}/{prefix}"):
            files.remove(entry.name)


def remove_copies(needed: int = 0) -> None:
    """Remove copies of files in a bucket: unused ones, and the least recently used ones beyond FILES_COPIES.

    Copies that were used in the last minute stay. *needed* is the size of the next copy, in bytes.
    """
    if bucket() is None:
        return
    now, total = time.time(), needed
    for used, size, path in sorted(_copies(), reverse=True):
        total += size
        if now - used > UNUSED or (total > settings.FILES_COPIES and now - used > IN_USE):
            total -= size
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _archive(name: str) -> str:
    return f"{FOLDERS}/{name}.tar"


def _existing_folder() -> Path:
    folder().mkdir(parents=True, exist_ok=True)
    return folder()


def _is_used(path: Path) -> bool:
    """Return whether a copy exists, and record that it was used."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _is_incoming(name: str) -> bool:
    return name.startswith((TEMPORARY, "tmp")) and not name.startswith(KEPT)


def _fetch(files: "S3Files", name: str, path: Path, sha256: str) -> None:
    """Fetch a file to *path* and compare its SHA-256, if there is one."""
    remove_copies(files.size_of(name))
    with tempfile.NamedTemporaryFile(dir=_existing_folder(), prefix=TEMPORARY, delete=False) as draft:
        try:
            files.download(name, draft)
            draft.flush()
            draft.seek(0)
            if sha256 and hashlib.file_digest(draft, "sha256").hexdigest() != sha256:
                raise AlteredCopyError(f"{name} was altered in the bucket")
            os.replace(draft.name, path)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise


def _entries_of(path: Path, prefix: str = "") -> Iterator[StoredEntry]:
    with suppress(FileNotFoundError):
        for entry in os.scandir(path):
            with suppress(FileNotFoundError):
                if entry.name.startswith(prefix) and entry.is_file(follow_symlinks=False):
                    status = entry.stat()
                    yield StoredEntry(entry.name, status.st_size, status.st_mtime)


def _copies() -> Iterator[tuple[float, int, Path]]:
    """Yield the time of the last use, the size and the path of each copy, and of files that a killed process left."""
    for entry in _entries_of(folder()):
        if not _is_incoming(entry.name) or time.time() - entry.changed > UNUSED:
            yield entry.changed, entry.size, kept_at(entry.name)
    with suppress(FileNotFoundError):
        for path in kept_at(FOLDERS).iterdir():
            yield path.stat().st_mtime, sum(entry.size for entry in _entries_of(path)), path
