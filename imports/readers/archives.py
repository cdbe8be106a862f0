"""Read the members of zip archives: list them within bounds, and unpack each one as a stream."""

import bz2
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from imports.readers.errors import ReadError
from imports.readers.unpacking import BLOCK, Counted, Deflated, Read, UnpackError, refuse_large, streams, within_limits
from imports.readers.verified_files import Part, StoredFile, unreadable

SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")  # the second one is that of an archive without members
MOST_MEMBERS = 1000
MOST_DIRECTORY = 4 << 20  # bytes of an archive's directory
LONGEST = 255  # characters of a member's path
OFFICE = ("[Content_Types].xml", "mimetype")  # members of Excel workbooks and OpenDocument files
HEADER = struct.Struct("<4s22xHH")  # a member's header: signature, and the lengths of its name and of the extra field
RAW = -15  # zlib's number for data without a header
METHODS = {0: "stored", 8: "deflate", 12: "bzip2"}
IS_ENCRYPTED = 1


@dataclass(frozen=True)
class Member:
    """A file in an archive. *folder_path* is its path as a name, without a root and ``..``."""

    part: Part
    folder_path: PurePosixPath
    size: int  # bytes, as they are in the archive


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Return whether the file is a zip archive, but not an Excel workbook or an OpenDocument file."""
    if isinstance(path, Part):
        return False
    try:
        with open(path, "rb") as file:
            if not file.read(4).startswith(SIGNATURES):
                return False
        with _opened(path) as archive:
            return not any(name in archive.NameToInfo for name in OFFICE)
    except ReadError:
        return True  # ``members`` reports the error
    except OSError:
        return False


def members(path: Path | StoredFile) -> list[Member]:
    """Return the files in an archive, without hidden ones. Raises ReadError."""
    with _opened(path) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if len(infos) > MOST_MEMBERS:
            raise ReadError(f"{path}: the archive has {len(infos):,} files; expected at most {MOST_MEMBERS:,}.")
        try:
            refuse_large(sum(info.file_size for info in infos), os.stat(path).st_size)
        except UnpackError as error:
            raise ReadError(f"{path}: {error}") from None
        found: dict[str, Member] = {}
        for info in infos:
            parts = [part for part in info.filename.replace("\\", "/").split("/") if part not in ("", ".", "..")]
            if not parts or parts[0] == "__MACOSX" or parts[-1].startswith("."):
                continue
            if len(info.filename) > LONGEST:
                raise ReadError(
                    f"{path}: a file in the archive has a path of {len(info.filename)} characters; expected at most "
                    f"{LONGEST}."
                )
            if info.filename in found:
                raise ReadError(
                    f"{path}: the archive contains {info.filename} twice. Unpack it, and import one of them."
                )
            found[info.filename] = Member(Part(path, info.filename), PurePosixPath(*parts), info.compress_size)
    if not found:
        raise ReadError(f"{path}: the archive contains no file.")
    return list(found.values())


def size_of(part: Part) -> int:
    """Return the size of a member in its archive, in bytes. Raises ReadError."""
    with _opened(part.file) as archive:
        return _info(archive, part).compress_size


def member_blocks(part: Part, file: IO[bytes]) -> tuple[Iterator[bytes], Counted]:
    """Return the unpacked blocks of a member of the opened archive *file*, and the count of the bytes read of it.

    Raises ReadError. The blocks raise UnpackError if the member is truncated, damaged, or larger than the limits.
    """
    with _opened(part.file) as archive:
        info = _info(archive, part)
    if info.flag_bits & IS_ENCRYPTED:
        raise ReadError(f"{part}: the file is protected by a password. Save the archive without a password.")
    if info.compress_type not in METHODS:
        raise ReadError(
            f"{part}: the archive uses the compression method {info.compress_type}; expected deflate or bzip2. "
            "Create the archive again, for example with “zip”."
        )
    file.seek(info.header_offset)
    header = file.read(HEADER.size)
    if len(header) < HEADER.size or not header.startswith(SIGNATURES[0]):
        raise ReadError(f"{part}: the archive is damaged at byte {info.header_offset:,}. Copy it again.")
    _, name, extra = HEADER.unpack(header)
    file.seek(name + extra, os.SEEK_CUR)
    counted = Counted(_first(file, info.compress_size))
    return within_limits(_checked(_unpacked(counted, info.compress_type), info), counted), counted


def _unpacked(read: Counted, method: int) -> Iterator[bytes]:
    if method == 0:
        return iter(lambda: read(BLOCK), b"")
    new = bz2.BZ2Decompressor if method == 12 else lambda: Deflated(RAW)
    return streams(read, "zip", new, several=False)


def _first(file: IO[bytes], rest: int) -> Read:
    """Return a function that reads the next *rest* bytes of the file."""

    def read(size: int) -> bytes:
        nonlocal rest
        block = file.read(min(size, rest))
        rest -= len(block)
        return block

    return read


def _checked(blocks: Iterator[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the blocks, and compare their size and checksum with the archive's directory."""
    checksum = size = 0
    for block in blocks:
        checksum, size = zlib.crc32(block, checksum), size + len(block)
        if size > info.file_size:
            break
        yield block
    if (checksum, size) != (info.CRC, info.file_size):
        raise UnpackError("the zip data is damaged: its size or its checksum is wrong. Copy the archive again.")


def _info(archive: zipfile.ZipFile, part: Part) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(part.name)
    except KeyError:
        raise ReadError(f"{part}: the archive does not contain this file.") from None


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[zipfile.ZipFile]:
    """Open an archive whose directory is not too large. Raises ReadError."""
    try:
        with open(path, "rb") as file:
            try:
                archive = zipfile.ZipFile(_SmallReads(file))
            except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError) as error:
                problem = str(error).rstrip(".") or "its directory cannot be read"
                raise ReadError(
                    f"{path}: the zip archive is damaged or not complete ({problem}). Copy it again."
                ) from None
            yield archive
    except OSError as error:
        raise unreadable(path, error) from None


class _SmallReads:
    """A file that refuses to read a large directory of an archive at once."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if 0 <= size <= MOST_DIRECTORY else MOST_DIRECTORY + 1)
        if len(data) > MOST_DIRECTORY:
            raise ValueError(f"its directory has more than {MOST_DIRECTORY:,} bytes")
        return data

    def seekable(self) -> bool:
        return True
