"""Identities of rejected rows: 128-bit hashes of the source, the file's name, the content, and the occurrence.

The content is the text of the source's columns. The identity does not depend on the order and spelling of headers, on
ignored columns, or on the line of a row. The identities are stored, so all resolved rows would be open again if the
hashes changed.
"""

import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from imports import fingerprints
from imports.models import SourceFile
from imports.readers.headers import plain
from imports.row_problems import Rejection
from imports.sources import Source


class RowIdentities:
    """Computes the identities of one source's rejected rows, in the order of the rows in their files."""

    def __init__(self, source: Source):
        self.source = source
        self._occurrences = fingerprints.Occurrences()

    def of(self, files: Sequence[SourceFile], rejections: Sequence[Rejection]) -> list[bytes]:
        """Return the identities of the next rejected rows, whose files are *files*. Count their occurrences."""
        digests = b"".join(map(self._digest, files, rejections))
        lanes = np.frombuffer(digests, "<u8").reshape(-1, 2).T.copy()
        self._occurrences.add(lanes)
        identities: list[bytes] = fingerprints.stored(lanes).to_pylist()
        return identities

    def _digest(self, file: SourceFile, rejection: Rejection) -> bytes:
        parts = [self.source.name, file.name, self._content(file, rejection)]
        return blake2b(json.dumps(parts).encode(), digest_size=16).digest()

    def _content(self, file: SourceFile, rejection: Rejection) -> Any:
        if isinstance(rejection.values, str):
            return rejection.values
        named = [(self.source.spellings.get(plain(heading)), cell) for heading, cell in rejection.values.items()]
        if cells := sorted((name, cell) for name, cell in named if name and cell):
            return cells
        # The rejection is a document that is not a row of the source, or a row without values.
        return [file.sha256, rejection.line]
