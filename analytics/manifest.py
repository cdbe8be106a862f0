"""The manifest of a dataset's copy: its version, and the files of each table. It is the only file that is replaced.

The file ``DATASET/manifest.json`` names the files of the newest copy. Files that did not change since an earlier copy
are in the folder of that copy.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Any

import orjson

from analytics.storage import Storage

FORMAT = 1
Key = int | str  # the primary key of a record


@dataclass(frozen=True)
class Part:
    """A file with the records from the key *low* to the low key of the next part. The first part has no low key."""

    path: str
    low: Key | None
    rows: int
    bytes: int


@dataclass(frozen=True)
class TableCopy:
    """The copy of a table. *columns* has Ibis's types by column name; *parts* are in the order of their keys."""

    columns: dict[str, str]
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @cached_property
    def digest(self) -> str:
        """A short name of its files, which never change."""
        return sha256("\n".join(part.path for part in self.parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Manifest:
    """The newest copy of a dataset, with the *version* of the dataset and the copy of each table by its name.

    *retired* are the files of earlier copies that were replaced, with the time (in seconds since 1970).
    """

    dataset: str
    version: int
    written_at: float
    tables: dict[str, TableCopy]
    retired: dict[str, float] = field(default_factory=dict)

    @property
    def files(self) -> set[str]:
        """The paths of all files of this copy."""
        return {part.path for table in self.tables.values() for part in table.parts}

    @property
    def bytes(self) -> int:
        return sum(part.bytes for table in self.tables.values() for part in table.parts)

    def save(self, storage: Storage) -> None:
        """Make this the newest copy. Raises OSError."""
        document = {"format": FORMAT, **asdict(self), "written": _moment(self.written_at)}
        storage.replace(path_of(self.dataset), orjson.dumps(document, option=orjson.OPT_INDENT_2))


def path_of(dataset: str) -> str:
    """Return the path of the manifest of *dataset*."""
    return f"{dataset}/manifest.json"


def load(storage: Storage, dataset: str) -> Manifest | None:
    """Return the newest copy of *dataset*, or None without a copy that this version of the site can read.

    Raises OSError.
    """
    content = storage.read(path_of(dataset))
    if content is None:
        return None
    try:
        document = orjson.loads(content)
        if document["format"] != FORMAT:
            return None
        tables = dict(_tables(document["tables"]))
        return Manifest(dataset, document["version"], document["written_at"], tables, document["retired"])
    except (ValueError, KeyError, TypeError):
        return None


def _tables(documents: dict[str, Any]) -> Iterator[tuple[str, TableCopy]]:
    for name, table in documents.items():
        yield name, TableCopy(table["columns"], tuple(Part(**part) for part in table["parts"]))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")
