"""Unpack gzip, bzip2, xz and zstd data as a stream, with bounded memory and within the limits of the settings."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePath
from typing import Protocol

import pyarrow as pa
from django.conf import settings

BLOCK = 1 << 18  # bytes
XZ_MEMORY = 256 << 20  # bytes; ``xz -9`` needs 65 MiB
ALWAYS = 100 << 20  # unpacked bytes that are accepted whatever their ratio
SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
Read = Callable[[int], bytes]


class UnpackError(Exception):
    """Data that cannot be unpacked. The message is the part of a sentence after the position."""


class Decompressor(Protocol):
    """The interface of the decompressors of :mod:`bz2` and :mod:`lzma`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Deflated:
    """A decompressor for zlib data, by default for a gzip member with its checksum."""

    def __init__(self, wbits: int = 31):
        self._stream, self.needs_input = zlib.decompressobj(wbits), True

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        unpacked = self._stream.decompress(self._stream.unconsumed_tail + data, max_length)
        self.needs_input = len(unpacked) < max_length
        return unpacked


def _xz() -> Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)


DECOMPRESSORS: dict[bytes, tuple[str, Callable[[], Decompressor] | None]] = {
    b"\x1f\x8b": ("gzip", Deflated),
    b"BZh": ("bzip2", bz2.BZ2Decompressor),
    b"\xfd7zXZ\x00": ("xz", _xz),
    b"\x28\xb5\x2f\xfd": ("zstd", None),  # Arrow unpacks it
}


def without_suffix(path: PurePath) -> PurePath:
    """Return the path of the file that a compressed file contains: ``places.csv`` for ``places.csv.gz``."""
    return path.with_suffix("") if path.suffix.lower() in SUFFIXES and path.stem else path


def unpacked(read: "Counted", start: bytes) -> Iterator[bytes] | None:
    """Return the blocks of the data that *read* returns and that begins with *start*. None: it is not compressed.

    The blocks raise UnpackError if the data is truncated, damaged, or larger than the limits.
    """
    for signature, (kind, new) in DECOMPRESSORS.items():
        if start.startswith(signature) and (signature != b"BZh" or start[4:10] == b"1AY&SY"):
            return within_limits(streams(read, kind, new) if new else _zstd(read), read)
    return None


class Counted:
    """Counts the bytes that it reads."""

    def __init__(self, read: Read):
        self._read, self.count = read, 0

    def __call__(self, size: int) -> bytes:
        block = self._read(size)
        self.count += len(block)
        return block


def within_limits(blocks: Iterator[bytes], packed: Counted) -> Iterator[bytes]:
    """Yield the blocks. Raises UnpackError if they exceed UNPACKED_LIMIT or UNPACKED_RATIO."""
    total = 0
    for block in blocks:
        total += len(block)
        refuse_large(total, packed.count)
        yield block


def refuse_large(size: int, packed: int) -> None:
    """Raise UnpackError if *size* bytes, unpacked from *packed* bytes, exceed the limits."""
    limit, ratio = settings.UNPACKED_LIMIT, settings.UNPACKED_RATIO
    if size > limit:
        raise UnpackError(
            f"the compressed data contains more than {limit:,} bytes, the limit. Split the file, or increase "
            "UNPACKED_LIMIT."
        )
    if size > ALWAYS and size > ratio * packed:
        raise UnpackError(
            f"the compressed data becomes more than {ratio:,} times as large, which is the limit. Unpack the file "
            "first, or increase UNPACKED_RATIO."
        )


def streams(read: Counted, kind: str, new: Callable[[], Decompressor], *, several: bool = True) -> Iterator[bytes]:
    """Yield the unpacked blocks of one stream, or of *several* streams and the zeros between them."""
    stream, data = new(), b""
    while True:
        if stream.eof:
            data = stream.unused_data.lstrip(b"\0")
            while not data and (more := read(BLOCK)):
                data = more.lstrip(b"\0")
            if not data or not several:
                return
            stream = new()
        elif stream.needs_input and not data:
            data = read(BLOCK)
            if not data:
                raise UnpackError(f"the {kind} data ends too early, after {read.count:,} bytes. Copy the file again.")
        try:
            block = stream.decompress(data, BLOCK)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            raise damaged(kind, read.count, error) from None
        data = b""
        if block:
            yield block


def damaged(kind: str, position: int, error: Exception) -> UnpackError:
    """Return the error for damaged data before *position*, in bytes of the file."""
    return UnpackError(
        f"the {kind} data is damaged before byte {position:,} of the file ({str(error).rstrip('.')}). "
        "Copy the file again."
    )


class _Handle:
    """A file object for Arrow, which keeps the exception of a read."""

    closed = False

    def __init__(self, read: Read):
        self._read = read
        self.error: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._read(BLOCK if size < 0 else size)
        except Exception as error:
            self.error = error
            raise

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Do nothing, because the file is closed by its owner."""


def _zstd(read: Counted) -> Iterator[bytes]:
    handle = _Handle(read)
    stream = pa.CompressedInputStream(pa.PythonFile(handle, "r"), "zstd")
    try:
        while True:
            try:
                block = stream.read(BLOCK)
            except (OSError, pa.ArrowException) as error:
                if handle.error is not None:
                    raise handle.error from None
                if "Truncated" in str(error):
                    raise UnpackError(
                        f"the zstd data ends too early, after {read.count:,} bytes. Copy the file again."
                    ) from None
                raise damaged("zstd", read.count, error) from None
            if not block:
                return
            yield block
    finally:
        with suppress(OSError, pa.ArrowException):
            stream.close()
