"""Batches of rows of a file, with their line numbers."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from imports.readers.csv_scanner import Malformed


@dataclass
class Batch:
    """Rows of a file, in file order.

    `lines`: the number of the first line of each row, as int32, starting at 1. `columns`: an array for each of the
    file's columns, of strings or, for a small vocabulary, a dictionary. Cells include the surrounding blanks, but not
    the apostrophes of formula escaping. `malformed`: malformed rows of this part of the file. `bytes_read`: the number
    of bytes of the file read so far.
    """

    lines: np.ndarray
    columns: list[pa.Array]
    malformed: list[Malformed]
    bytes_read: int
