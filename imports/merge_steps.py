"""The completed steps of a merge on SQLite, in a file: while it merges, no other connection can save them."""

import os
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from django.db import connection

from imports.models import ImportRun


def save(run: ImportRun, steps_done: int) -> None:
    """Store the number of completed steps of *run*. Without it, the page of the run shows less progress."""
    if connection.vendor != "sqlite":
        return
    path = _path(run)
    part = path.with_suffix(".part")
    with suppress(OSError):
        part.write_text(f"{run.pk} {steps_done}")
        os.replace(part, path)


def completed(run: ImportRun) -> int:
    """Return the number of completed steps of *run*."""
    if not run.merging or connection.vendor != "sqlite":
        return run.merge_steps_done
    with suppress(OSError, ValueError):
        pk, steps_done = map(int, _path(run).read_text().split())
        if pk == run.pk:
            return steps_done
    return run.merge_steps_done


def forget(run: ImportRun) -> None:
    """Delete the file, if there is one."""
    with suppress(OSError):
        _path(run).unlink(missing_ok=True)


def _path(run: ImportRun) -> Path:
    return Path(settings.MEDIA_ROOT, "imports", f".{run.dataset}.steps")
