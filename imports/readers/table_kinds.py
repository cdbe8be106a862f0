"""Recognize tables that are not CSV by the beginning of a file."""

import os
import re
from functools import lru_cache

from imports.readers.arrow_tables import FeatherTable, ParquetTable
from imports.readers.decoding import codec_name
from imports.readers.errors import ReadError
from imports.readers.json_tables import JSONTable
from imports.readers.opened_files import LOOKED_AT, beginning
from imports.readers.tables import Table
from imports.readers.verified_files import Part

PARQUET, ENCRYPTED, FEATHER, OLD_FEATHER = b"PAR1", b"PARE", b"ARROW1\0\0", b"FEA1"
OBJECT = re.compile(r'\ufeff?\s*(\{\s*["}]|\[\s*[{\]])')  # not a header such as [id],[name]


def table_of(path: str | os.PathLike[str], encoding: str = "utf-8") -> Table | None:
    """Return the table in a Parquet, Feather or JSON file, or None for other files.

    Raises ReadError if the file cannot be read or is damaged.
    """
    encoding = codec_name(encoding)
    start = beginning(path, LOOKED_AT)
    if start.startswith((PARQUET, FEATHER)):
        _refuse_packed(path, start)
    if start.startswith(PARQUET) and start[4:5] in (b"\x15", b"\x00"):
        return ParquetTable(path)
    if start.startswith(FEATHER):
        return FeatherTable(path)
    if start.startswith((ENCRYPTED + b"\x15", OLD_FEATHER + b"\0")):
        kind = "an encrypted Parquet" if start.startswith(ENCRYPTED) else "an old Feather"
        raise ReadError(
            f"{path}: looks like {kind} file, which cannot be read. Write it as Parquet without encryption."
        )
    if OBJECT.match(start.decode(encoding, "ignore")):
        status = os.stat(path)
        return _json_table(path, encoding, status.st_mtime_ns, status.st_size)  # type: ignore[arg-type]  # hashable
    return None


def _refuse_packed(path: str | os.PathLike[str], start: bytes) -> None:
    with open(path, "rb") as file:
        if isinstance(path, Part) or not start.startswith(file.read(len(FEATHER))):
            raise ReadError(
                f"{path}: contains a Parquet or Feather file, which is already compressed. Import it as it is."
            )


@lru_cache(maxsize=16)  # each source looks at the columns of a file
def _json_table(path: str | os.PathLike[str], encoding: str, changed: int, size: int) -> JSONTable:
    return JSONTable(path, encoding)
