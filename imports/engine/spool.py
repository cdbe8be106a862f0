"""A list that is stored in memory while it is short, and in a temporary file when it becomes long."""

import json
import tempfile
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
IN_MEMORY = 8 * 2**20  # bytes


class Spool(Generic[T]):
    """JSON values in insertion order, which can be iterated any number of times."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY, mode="w+", encoding="utf-8")
        self._length = 0
        self._reading = False

    def __del__(self) -> None:
        self._file.close()

    def add(self, value: T) -> None:
        if self._reading:
            self._file.seek(0, 2)
            self._reading = False
        self._file.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
        self._length += 1

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        self._file.seek(0)
        self._reading = True
        while line := self._file.readline():
            yield json.loads(line)
