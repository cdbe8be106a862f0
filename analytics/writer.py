"""Write the copy of a dataset: the parts that changed since its last copy, and then the manifest.

All parts are read in one snapshot, or the copy is given up if the dataset has changed meanwhile. Nobody reads a new
file before the manifest names it, so the last whole copy stays in use if the process dies at any moment.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter, time

from django.db import DatabaseError, connection, models, transaction

from analytics.manifest import Manifest, load, path_of
from analytics.options import options
from analytics.parts import PartWriter
from analytics.staleness import History, stale_parts
from analytics.state import shown_version, store
from analytics.storage import Storage, storage
from datasets.models import MaterializedView
from datasets.registry import served_tables
from datasets.sql.query_timeout import unlimited
from datasets.versions import version_of
from imports.engine.locks import process_lock


class CopyChangedError(Exception):
    """The dataset changed while it was copied."""


@dataclass(frozen=True)
class Copied:
    """A finished copy of *dataset*: the number of parts written, of all parts, and the bytes and seconds."""

    dataset: str
    written: int
    parts: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.dataset}: {self.written} of {self.parts} parts written in {self.seconds:.2f} s"


@unlimited()
def copy(dataset: str, *, whole: bool = False) -> Copied | None:
    """Copy the tables of *dataset*, and return None if another process is doing so.

    With *whole*, all parts are written. The message of any error is stored, and the last copy stays in use. Raises
    OSError, DatabaseError and CopyChangedError.
    """
    begun, kept_in = perf_counter(), storage()
    with process_lock(lock_of(dataset)) as is_held:
        if not is_held:
            return None
        try:
            with _snapshot(dataset) as version:
                old = None if whole else _usable(load(kept_in, dataset), dataset)
                manifest, written = _copied(dataset, version, old, kept_in)
            replaced = load(kept_in, dataset)
            _retire(manifest, replaced).save(kept_in)
            store(dataset, shows=version)
        except Exception as error:
            with suppress(DatabaseError):  # the first error is more important
                store(dataset, problem=str(error).strip().partition("\n")[0])
            raise
        sweep(dataset, kept_in)
    parts = sum(len(table.parts) for table in manifest.tables.values())
    return Copied(dataset, written, parts, manifest.bytes, perf_counter() - begun)


def sweep(dataset: str, kept_in: Storage) -> None:
    """Delete the files of *dataset* that nobody reads: replaced long enough ago, or of a copy that was not finished.

    The caller holds the lock of the copy. Raises OSError.
    """
    manifest = load(kept_in, dataset)
    if manifest is None:
        return
    until = time() - 60 * options().grace_minutes
    expired = {path for path, retired_at in manifest.retired.items() if retired_at <= until}
    known = {path_of(dataset), *manifest.files, *manifest.retired}
    abandoned = [path for path in kept_in.files(dataset) if path not in known]
    kept_in.delete([*expired, *abandoned])
    if expired:
        left = {path: at for path, at in manifest.retired.items() if path not in expired}
        Manifest(dataset, manifest.version, manifest.written_at, manifest.tables, left).save(kept_in)


def lock_of(dataset: str) -> str:
    """Return the name of the lock that a process holds while it writes or deletes files of *dataset*."""
    return f"analytical copy of {dataset}"


def tables_of(dataset: str) -> list[type[models.Model]]:
    """Return the tables of *dataset* that are copied: those that the API serves, except its small summary tables."""
    served = [model for name, model in served_tables().items() if name.partition("/")[0] == dataset]
    return [model for model in served if not issubclass(model, MaterializedView)]


def _copied(dataset: str, version: int, old: Manifest | None, kept_in: Storage) -> tuple[Manifest, int]:
    """Return the manifest of a new copy, and the number of parts that were written."""
    folder = f"{dataset}/{version}.{secrets.token_hex(4)}"
    history, tables, written = History(dataset, old.version if old else 0), {}, 0
    for model in tables_of(dataset):
        earlier = old.tables.get(model._meta.db_table) if old else None
        writer = PartWriter(model, kept_in, folder)
        stale = stale_parts(model, earlier, history, kept_in) if earlier else set()
        tables[model._meta.db_table] = writer.write(earlier, stale)
        written += writer.written
    return Manifest(dataset, version, time(), tables), written


def _retire(manifest: Manifest, replaced: Manifest | None) -> Manifest:
    """Add the files of the *replaced* copy that *manifest* does not use."""
    if replaced is None:
        return manifest
    retired = {**dict.fromkeys(replaced.files, time()), **replaced.retired}
    unused = {path: at for path, at in retired.items() if path not in manifest.files}
    return Manifest(manifest.dataset, manifest.version, manifest.written_at, manifest.tables, unused)


def _usable(manifest: Manifest | None, dataset: str) -> Manifest | None:
    """Return *manifest* if this database made it: after a restore from a backup, its history has other changes."""
    shows = shown_version(dataset)
    return manifest if manifest and manifest.version == shows else None


@contextmanager
def _snapshot(dataset: str) -> Iterator[int]:
    """Yield the version of *dataset* in a snapshot. Raises CopyChangedError if it changed without a snapshot."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield version_of(dataset)
        return
    version = version_of(dataset)
    yield version  # a transaction would block writers on SQLite
    if version_of(dataset) != version:
        raise CopyChangedError(f"{dataset} changed while it was copied.")
