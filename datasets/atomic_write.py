"""A file written whole or not at all: beside its place under another name, and then put there in one step."""

import codecs
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from datasets.terminal_text import escaped

STANDARD_OUTPUT = "-"


def write_whole(path: str, blocks: Iterable[bytes]) -> int:
    """Write *blocks* to the file *path*, or to standard output for ``-``; return how many bytes.

    What was at *path* stays until all is written, and after an error. A device or a pipe is written to as it is.
    Raises OSError.
    """
    if path == STANDARD_OUTPUT:
        blocks = _for_terminal(blocks) if sys.stdout.isatty() else blocks
        return _copy(blocks, sys.stdout.buffer)
    place = Path(path).resolve()  # of a link, the file that it leads to
    if place.exists() and not place.is_file():
        with place.open("wb") as device:
            return _copy(blocks, device)
    descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = _copy(blocks, file)
            os.fchmod(file.fileno(), place.stat().st_mode & 0o777 if place.exists() else 0o666 & ~_umask())
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, place)
    except BaseException:
        os.unlink(name)
        raise
    return size


def _for_terminal(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *blocks* of text with the characters written out that a terminal would obey."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for block in blocks:
        yield escaped(decoder.decode(block), keep="\n").encode()


def _copy(blocks: Iterable[bytes], file) -> int:
    size = 0
    for block in blocks:
        file.write(block)
        size += len(block)
    file.flush()
    return size


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
