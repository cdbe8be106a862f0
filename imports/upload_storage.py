"""Store uploads: check quotas, move files to runs, and delete unused files."""

import errno
import fcntl
import logging
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.template.defaultfilters import filesizeformat

from datasets.http.request_bodies import BodyError
from datasets.sql.advisory_locks import advisory_lock
from imports.file_storage import KEPT, delete, entries, folder, kept_at, recent_entries, remove_copies, store
from imports.models import ImportRun, SourceFile
from imports.received_files import ReceivedFile
from imports.stored_entry import StorageError

logger = logging.getLogger(__name__)
UNOWNED = 24 * 60 * 60  # seconds to keep files without a run
SWEPT = re.compile(
    r"[0-9a-f]{64}|\.upload-.*|tmp.*"
)  # named by SHA-256, or temporary; the folder also contains lock files
AT_ONCE = 500  # names in one query
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_SPACE = (
    "The server has no disk space for this upload. Nothing was stored. Inform an administrator and try again later."
)
UNUSABLE = "The storage of uploads does not respond. Nothing was stored. Try again later, or inform an administrator."
LOCK = "tabularium stored files"
DISCARDED = ImportRun.Status.DISCARDED


def check_quotas(user: User | AnonymousUser, more: int) -> None:
    """Raise BodyError if *more* bytes would exceed the upload quota of *user* or of all accounts."""
    in_all, of_account = settings.UPLOAD_QUOTA, settings.UPLOAD_QUOTA_ACCOUNT
    if in_all and bytes_kept() + more > in_all:
        raise BodyError(
            f"This upload exceeds the quota of {filesizeformat(in_all)} for all accounts. "
            "Ask an administrator for more space.",
            507,
        )
    if of_account and bytes_of(user) + more > of_account:
        raise BodyError(
            f"This upload exceeds your quota of {filesizeformat(of_account)}. Discard runs that you do not need (their "
            "files are deleted within a day), or ask an administrator for more space.",
            507,
        )


def bytes_kept() -> int:
    """Return the total size of all stored and incoming files, in bytes."""
    return sum(entry.size for entry in recent_entries())


class DiskSpace(NamedTuple):
    """The size of a disk and its free space, in bytes."""

    total: int
    free: int


def disk() -> DiskSpace:
    """Return the size and free space of this host's disk for uploads."""
    folder().mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(folder())
    return DiskSpace(usage.total, usage.free)


def bytes_of(user: User | AnonymousUser) -> int:
    """Return the size of an account's stored uploads, in bytes. Identical files are counted once."""
    runs = ImportRun.objects.filter(started_by=user.pk).exclude(status=DISCARDED).exclude(uploads=[])
    sizes = {file["sha256"]: file["size"] for uploads in runs.values_list("uploads", flat=True) for file in uploads}
    stored = {entry.name for entry in recent_entries()}
    return sum(size for sha256, size in sizes.items() if sha256 in stored)


def take_over(run: ImportRun) -> None:
    """Store the files that *run* has received under their SHA-256, at the end of the transaction that saves the run.

    Raises BodyError if the disk is full, or if the storage does not respond.
    """
    if not run.received:
        return
    with _storing():
        for file in run.received:
            store(file.path, file.sha256)


def kept_for_form(user: User | AnonymousUser, sha256: str) -> Path:
    """Return the path of a file that a form of *user* with errors has uploaded."""
    return kept_at(f"{KEPT}{user.pk}-{sha256}")


def keep_for_form(user: User, files: Iterable[ReceivedFile]) -> None:
    """Keep the files of a form of *user* with errors for a day, instead of those of the account's previous form.

    Raises BodyError if the disk is full, or if the storage does not respond.
    """
    with _storing():
        kept = set()
        for file in files:
            path = kept_for_form(user, file.sha256)
            kept.add(path.name)
            if file.path != path and file.path.exists():  # the same file may be in the form twice
                store(file.path, path.name)
                file.path = path
        for entry in entries(f"{KEPT}{user.pk}-"):
            if entry.name not in kept:
                delete(entry.name)


def sweep() -> int:
    """Delete files that no run has used for a day. Return the number of deleted files.

    A discarded run no longer uses its files. Killed processes leave temporary files.
    """
    remove_copies()
    old = time.time() - UNOWNED
    names = [entry.name for entry in entries() if SWEPT.fullmatch(entry.name) and entry.changed < old]
    owned = _owned(names)
    deleted = 0
    for name in names:
        if name not in owned:
            with _lock(storing=False) as held:
                # A file that is being stored or has been uploaded again stays until the next sweep.
                if held and any(entry.name == name and entry.changed < old for entry in entries(name)):
                    delete(name)
                    deleted += 1
    return deleted


def _owned(names: list[str]) -> set[str]:
    owned: set[str] = set()
    for start in range(0, len(names), AT_ONCE):
        files = SourceFile.objects.filter(sha256__in=names[start : start + AT_ONCE]).exclude(run__status=DISCARDED)
        owned.update(files.values_list("sha256", flat=True))
    runs = ImportRun.objects.exclude(status=DISCARDED).exclude(uploads=[]).values_list("uploads", flat=True)
    for uploads in runs.iterator(2000):
        owned.update(file["sha256"] for file in uploads)
    return owned


@contextmanager
def _storing() -> Iterator[None]:
    """Hold the lock for storing files. Raises BodyError for a full disk or a storage that does not respond."""
    with storage_errors(), _lock(storing=True):
        yield


@contextmanager
def storage_errors() -> Iterator[None]:
    """Raise BodyError for a full disk or a storage that does not respond."""
    try:
        yield
    except StorageError as error:
        logger.error("%s", error.strerror)
        raise BodyError(UNUSABLE, 503) from error
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise BodyError(NO_SPACE, 507) from error


@contextmanager
def _lock(*, storing: bool) -> Iterator[bool]:
    """Hold the lock for storing files, which many processes share, or try to hold the one for deleting them.

    Yield whether it is held. PostgreSQL manages the lock for all hosts, and the file system manages it on SQLite.
    """
    if connection.vendor == "postgresql":
        with advisory_lock(LOCK, shared=storing, wait=storing) as held:
            yield held
        return
    media = Path(settings.MEDIA_ROOT)
    media.mkdir(parents=True, exist_ok=True)
    with open(media / "imports.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH if storing else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
