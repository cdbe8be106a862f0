"""Write a file atomically, to a temporary file in the same directory that then replaces the target."""

import codecs
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from datasets.terminal_text import escaped

STANDARD_OUTPUT = "-"


def write_whole(path: str, blocks: Iterable[bytes]) -> int:
    """Write *blocks* to the file *path*, or to standard output for ``-``, and return the number of bytes.

    An existing file is replaced only after all bytes have been written. After an error, it is unchanged. Devices and
    pipes are written to directly. Raises OSError.
    """
    if path == STANDARD_OUTPUT:
        blocks = _for_terminal(blocks) if sys.stdout.isatty() else blocks
        return _copy(blocks, sys.stdout.buffer)
    target = Path(path).resolve()  # follows symbolic links
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            return _copy(blocks, device)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            size = _copy(blocks, file)
            os.fchmod(file.fileno(), target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
    return size


def _for_terminal(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield *blocks* of text with control characters escaped."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for block in blocks:
        yield escaped(decoder.decode(block), keep="\n").encode()


def _copy(blocks: Iterable[bytes], file: BinaryIO) -> int:
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
