"""Decode a file of any encoding into blocks of valid UTF-8."""

import codecs
import os
import sys
from pathlib import Path
from types import TracebackType

import numpy as np

from imports.readers.errors import OddTextError, ReadError
from imports.readers.opened_files import OpenedFile
from imports.readers.unpacking import DECOMPRESSORS, UnpackError

BOM = codecs.BOM_UTF8

ZIP = b"PK\x03\x04"
# File signatures that are too long to occur in a text file by chance.
KINDS = (
    (ZIP, "a zip archive or an Excel workbook (.xlsx)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"%PDF-", "a PDF document"),
    (b"SQLite format 3\x00", "a SQLite database"),
    ((b"PAR1\x15", b"PAR1\x00"), "a Parquet file"),
    (b"ARROW1\x00\x00", "an Arrow file"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\x7fELF", "a program"),
)
TAR, TAR_AT = b"ustar", 257
UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


NATIVE = "-le" if sys.byteorder == "little" else "-be"  # Python's default if there is no byte order mark


class Text:
    """A context manager that reads a file as UTF-8 bytes, in blocks that always end after a complete character."""

    def __init__(
        self, path: str | os.PathLike[str], encoding: str = "utf-8", kind: str = "CSV", *, in_memory: bool = False
    ):
        self.path = Path(str(path))
        self._stored = path
        self.encoding = codec_name(encoding)
        self.kind, self._in_memory = kind, in_memory
        self._line, self._column, self._last = 1, 1, b""  # the current position, and the byte before it
        self._started = self._ended = False
        self._held = b""  # the incomplete character at the end of the last block
        self._decoder = None if self.encoding == "utf-8" else codecs.getincrementaldecoder(self.encoding)()

    def __enter__(self) -> "Text":
        try:
            self._file = OpenedFile(self._stored, in_memory=self._in_memory)
        except UnpackError as error:
            raise self._not_unpacked(error) from None
        try:
            self._refuse_other_kinds(self._file.start)
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Return about *size* bytes of text, or b"" at the end of the file.

        Raises ReadError if the bytes are not text, and at the end of a StoredFile that has changed.
        """
        while not self._ended:
            try:
                raw = self._file.read(size)
            except UnpackError as error:
                raise self._not_unpacked(error) from None
            self._ended = not raw
            text = self._decoded(self._decoder, raw) if self._decoder else self._checked(raw)
            if not self._started and text:
                self._started = True
                text = text.removeprefix(BOM)
            if text:
                return text
        return b""

    @property
    def bytes_read(self) -> int:
        """The number of bytes read of the file."""
        return self._file.bytes_read

    def _not_unpacked(self, error: UnpackError) -> ReadError:
        return ReadError(f"{self.path}, line {self._line}: {error}", self._line)

    def _checked(self, raw: bytes) -> bytes:
        data = self._held + raw if self._held else raw
        self._held = b""
        if not data.isascii():
            try:
                data.decode()
            except UnicodeDecodeError as error:
                if self._ended or error.reason != "unexpected end of data":
                    # The first block may begin with a byte order mark, which editors do not count as a column.
                    before = data[: error.start].removeprefix(b"" if self._started else BOM)
                    raise self._not_text(before, f"byte 0x{data[error.start]:02X}") from None
                data, self._held = data[: error.start], data[error.start :]
        self._count(data)
        return data

    def _decoded(self, decoder: codecs.IncrementalDecoder, raw: bytes) -> bytes:
        state = decoder.getstate()
        try:
            data = decoder.decode(raw, final=self._ended).encode()
        except UnicodeError:
            decoder.setstate(state)
            raise self._not_text(*_before_error(decoder, raw)) from None
        self._count(data)
        return data

    def _count(self, data: bytes) -> None:
        """Advance the position by *data*."""
        self._line += breaks(data) - (self._last == b"\r" and data.startswith(b"\n"))
        cut = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._column = len(data[cut + 1 :].decode()) + (1 if cut >= 0 else self._column)
        self._last = data[-1:] or self._last

    def _not_text(self, before: bytes, found: str) -> ReadError:
        self._count(before)
        where = f"{self.path}, line {self._line}, column {self._column}"
        if self.encoding == "utf-8":
            return ReadError(
                f"{where}: expected UTF-8, found {found}. If the file has another encoding, specify it, "
                "for example cp1252."
            )
        return ReadError(
            f"{where}: expected {self.encoding}, found {found}. Specify the encoding of the file; the default is UTF-8."
        )

    def _refuse_other_kinds(self, start: bytes) -> None:
        if self._file.is_packed and (archive := _archive(start)):
            raise ReadError(
                f"{self.path}: contains {archive}; expected a {self.kind} file. Unpack it first, because archives in "
                "archives are not read."
            )
        for signature, kind in KINDS:
            if start.startswith(signature):
                raise ReadError(
                    f"{self.path}: looks like {kind}; expected a {self.kind} file. Save it as {self.kind} in UTF-8."
                )
        expected = "UTF-8" if self.encoding == "utf-8" else self.encoding
        if start.startswith(UTF_16 + UTF_32):
            name = "utf-32" if start.startswith(UTF_32) else "utf-16"
            if not self.encoding.startswith(("utf-16", "utf-32")):
                raise OddTextError(
                    f"{self.path}, line 1: expected {expected}, found the byte order mark of {name.upper()}. "
                    f"If that is correct, specify {name} as the encoding of the file."
                )
        elif (name := unmarked(start)) and self.encoding not in (name, name.removesuffix(NATIVE)):
            raise OddTextError(
                f"{self.path}, line 1: expected {expected}, found {name[:6].upper()} without a byte order mark (a NUL "
                f"byte beside most characters). Specify {name} as the encoding of the file, or save the file in UTF-8."
            )


def _archive(start: bytes) -> str:
    """Return the kind of archive that begins with *start*, or an empty string."""
    named = ((signature, f"{kind} data") for signature, (kind, _) in DECOMPRESSORS.items())
    for signature, kind in (*named, (ZIP, "a zip archive or an Excel workbook")):
        if start.startswith(signature):
            return kind
    return "a tar archive" if start[TAR_AT:].startswith(TAR) else ""


def _before_error(decoder: codecs.IncrementalDecoder, raw: bytes) -> tuple[bytes, str]:
    """Return the valid text at the beginning of *raw*, and a description of the invalid part after it."""
    before = b""
    for position in range(len(raw)):
        try:
            before += decoder.decode(raw[position : position + 1]).encode()
        except UnicodeDecodeError:
            return before, f"byte 0x{raw[position]:02X}"
        except UnicodeError:
            break
    return before, "an incomplete character"


def codec_name(encoding: str) -> str:
    """Return the canonical name of an encoding. Raises ReadError for an unknown encoding."""
    try:
        name = codecs.lookup(encoding).name
        "a".encode(encoding)
        codecs.getincrementaldecoder(encoding)
    except (LookupError, ValueError, TypeError):
        raise ReadError(
            f'There is no text encoding "{encoding}"; expected a name such as utf-8, cp1252, latin-1 or utf-16.'
        ) from None
    return "utf-8" if name in ("utf-8", "utf-8-sig") else name


def unmarked(start: bytes) -> str:
    """Return the encoding of UTF-16 or UTF-32 text without a byte order mark, or an empty string.

    The encoding is detected from NUL bytes. Most files have delimiters, digits and line breaks, and in these encodings
    all bytes of such characters except one are NUL. If a short file has only a few NUL bytes later on, they belong to a
    malformed row.
    """
    if 0 not in start[:6] and len(start) < 64:
        return ""
    quarters = [start[offset::4] for offset in range(4)]
    count = len(quarters[3])
    if count > 1 and not any(any(quarter) for quarter in quarters[2:]) and any(quarters[0]):
        return "utf-32-le"
    if count > 1 and not any(any(quarter) for quarter in quarters[:2]) and any(quarters[3]):
        return "utf-32-be"
    even, odd = (start[offset::2].count(0) for offset in range(2))
    count = len(start) // 2
    for name, low, high in (("utf-16-le", even, odd), ("utf-16-be", odd, even)):
        if count > 1 and 20 * low <= count <= 2.5 * high:
            return name
    return ""


def breaks(data: bytes) -> int:
    """Return the number of line breaks in *data*. LF, CRLF and CR each count as one."""
    count = int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))  # three times as fast as data.count
    if b"\r" in data:
        count += data.count(b"\r") - data.count(b"\r\n")
    return count
