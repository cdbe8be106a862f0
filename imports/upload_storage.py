"""Store uploads: check quotas, move files to runs, and delete unused files."""

import errno
import fcntl
import logging
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.template.defaultfilters import filesizeformat

from datasets.http.request_bodies import BodyError
from imports.models import ImportRun, SourceFile
from imports.received_files import ReceivedFile
from imports.source_files import kept_at

logger = logging.getLogger(__name__)
UNOWNED = 24 * 60 * 60  # seconds to keep files without a run
SWEPT = re.compile(
    r"[0-9a-f]{64}|\.upload-.*|tmp.*"
)  # named by SHA-256, or temporary; the folder also contains lock files
KEPT = ".upload-form-"  # prefix of the names of files of a form with errors, before the account and the SHA-256
AT_ONCE = 500  # names in one query
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_SPACE = (
    "The server has no disk space for this upload. Nothing was stored. Inform an administrator and try again later."
)
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
    total = 0
    for entry in _entries():
        with suppress(FileNotFoundError):
            total += entry.stat().st_size
    return total


class DiskSpace(NamedTuple):
    """The size of a disk and its free space, in bytes."""

    total: int
    free: int


def disk() -> DiskSpace:
    """Return the size and free space of the disk for uploads."""
    folder = kept_at("")
    folder.mkdir(parents=True, exist_ok=True)
    usage = shutil.disk_usage(folder)
    return DiskSpace(usage.total, usage.free)


def bytes_of(user: User | AnonymousUser) -> int:
    """Return the size of an account's stored uploads, in bytes. Identical files are counted once."""
    runs = ImportRun.objects.filter(started_by=user.pk).exclude(status=DISCARDED).exclude(uploads=[])
    sizes = {file["sha256"]: file["size"] for uploads in runs.values_list("uploads", flat=True) for file in uploads}
    return sum(size for sha256, size in sizes.items() if kept_at(sha256).exists())


def take_over(run: ImportRun) -> None:
    """Store the files that *run* has received under their SHA-256, at the end of the transaction that saves the run.

    Raises BodyError if the disk is full.
    """
    if not run.received:
        return
    try:
        with _alone():
            for file in run.received:
                os.replace(file.path, kept_at(file.sha256))
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise BodyError(NO_SPACE, 507) from error


def kept_for_form(user: User | AnonymousUser, sha256: str) -> Path:
    """Return the path of a file that a form of *user* with errors has uploaded."""
    return kept_at(f"{KEPT}{user.pk}-{sha256}")


def keep_for_form(user: User, files: Iterable[ReceivedFile]) -> None:
    """Keep the files of a form of *user* with errors for a day, instead of those of the account's previous form."""
    with _alone():
        kept = set()
        for file in files:
            path = kept_for_form(user, file.sha256)
            kept.add(path.name)
            if file.path != path and file.path.exists():  # the same file may be in the form twice
                os.replace(file.path, path)
                file.path = path
        for entry in _entries():
            if entry.name.startswith(f"{KEPT}{user.pk}-") and entry.name not in kept:
                Path(entry.path).unlink(missing_ok=True)


def sweep() -> int:
    """Delete files that no run has used for a day. Return the number of deleted files.

    A discarded run no longer uses its files. Killed processes leave temporary files.
    """
    old = time.time() - UNOWNED
    names = [entry.name for entry in _entries() if SWEPT.fullmatch(entry.name) and _changed(Path(entry.path)) < old]
    owned = _owned(names)
    deleted = 0
    for name in names:
        path = kept_at(name)
        with _alone():
            if name not in owned and _changed(path) < old:  # unless it has been uploaded again
                path.unlink(missing_ok=True)
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


def _entries() -> Iterable[os.DirEntry[str]]:
    try:
        return [entry for entry in os.scandir(kept_at("")) if entry.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


@contextmanager
def _alone() -> Iterator[None]:
    """Lock the folder, so that no other process stores or deletes files."""
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "imports.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
