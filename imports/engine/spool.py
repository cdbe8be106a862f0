"""A list that may be long: in memory while it is short, in a temporary file beyond that."""

import json
import tempfile
from collections.abc import Iterator
from typing import Any

IN_MEMORY = 8 * 2**20  # bytes


class Spool:
    """JSON values in the order in which they were added; may be read as often as need be."""

    def __init__(self):
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, mode="w+", encoding="utf-8")
        self._length = 0
        self._reading = False

    def __del__(self):
        self._file.close()

    def add(self, value: Any) -> None:
        if self._reading:
            self._file.seek(0, 2)
            self._reading = False
        self._file.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
        self._length += 1

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        self._file.seek(0)
        self._reading = True
        while line := self._file.readline():
            yield json.loads(line)
