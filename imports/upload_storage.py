"""The folder of uploads: what each account may keep there, how a run takes files over, and what is swept away."""

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

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from datasets.http.request_bodies import BodyError
from imports.models import ImportRun, SourceFile
from imports.source_files import kept_at

logger = logging.getLogger(__name__)
UNOWNED = 24 * 60 * 60  # seconds for which bytes are kept that no run owns
SWEPT = re.compile(r"[0-9a-f]{64}|\.upload-.*|tmp.*")  # by their sha256, or temporary; locks lie there, too
AT_ONCE = 500  # names in a query
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_SPACE = (
    "The server has no space for this upload. Nothing of it was kept. Tell whoever runs the site, and try again later."
)
DISCARDED = ImportRun.Status.DISCARDED


def check_quotas(user, more: int) -> None:
    """Raise BodyError where *more* bytes are more than *user*, or all accounts together, may still upload."""
    in_all, of_account = settings.UPLOAD_QUOTA, settings.UPLOAD_QUOTA_ACCOUNT
    if in_all and bytes_kept() + more > in_all:
        raise BodyError(
            f"The uploads of all accounts may take {filesizeformat(in_all)}, and this one is more than is left. "
            "Ask whoever runs the site for space.",
            507,
        )
    if of_account and bytes_of(user) + more > of_account:
        raise BodyError(
            f"Your uploads may take {filesizeformat(of_account)}, and this one is more than is left. Discard runs that "
            "you do not need (their files go within a day), or ask whoever runs the site for space.",
            507,
        )


def bytes_kept() -> int:
    """Return how many bytes all files in the folder have, those that arrive just now too."""
    total = 0
    for entry in _entries():
        with suppress(FileNotFoundError):
            total += entry.stat().st_size
    return total


def disk():
    """Return the total, used and free bytes of the disk that holds uploads."""
    folder = kept_at("")
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder)


def bytes_of(user) -> int:
    """Return how many bytes the uploads of an account have that are still kept, equal files counted once."""
    runs = ImportRun.objects.filter(started_by=user).exclude(status=DISCARDED).exclude(uploads=[])
    sizes = {file["sha256"]: file["size"] for uploads in runs.values_list("uploads", flat=True) for file in uploads}
    return sum(size for sha256, size in sizes.items() if kept_at(sha256).exists())


def take_over(run: ImportRun) -> None:
    """Keep the files that *run* has received, by their sha256, at the end of the transaction that stores the run.

    Raises BodyError on a full disk.
    """
    received = getattr(run, "received", ())  # of a new run with uploads
    if not received:
        return
    try:
        with _alone():
            for file in received:
                os.replace(file.path, kept_at(file.sha256))
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise BodyError(NO_SPACE, 507) from error


def sweep() -> int:
    """Delete what no run has owned for a day; return how many files went.

    A run that was discarded owns none. Of a process that was killed, temporary files are left.
    """
    old = time.time() - UNOWNED
    names = [entry.name for entry in _entries() if SWEPT.fullmatch(entry.name) and _changed(Path(entry.path)) < old]
    owned = _owned(names)
    deleted = 0
    for name in names:
        path = kept_at(name)
        with _alone():
            if name not in owned and _changed(path) < old:  # nobody has uploaded it again meanwhile
                path.unlink(missing_ok=True)
                deleted += 1
    return deleted


def _owned(names: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(names), AT_ONCE):
        files = SourceFile.objects.filter(sha256__in=names[start : start + AT_ONCE]).exclude(run__status=DISCARDED)
        found.update(files.values_list("sha256", flat=True))
    runs = ImportRun.objects.exclude(status=DISCARDED).exclude(uploads=[]).values_list("uploads", flat=True)
    for uploads in runs.iterator(2000):
        found.update(file["sha256"] for file in uploads)
    return found


def _entries() -> Iterable[os.DirEntry]:
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
    """Keep other processes from taking files over, or sweeping them away, meanwhile."""
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "imports.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
