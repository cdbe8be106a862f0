"""Files as they come, read into Arrow batches of text and JSON documents, with the lines an editor shows."""

from datasets.reading.ahead import ahead
from datasets.reading.batches import Batch, read_csv
from datasets.reading.documents import Document, read_json
from datasets.reading.errors import MissingColumns, OddTextError, ReadError, Unfit
from datasets.reading.layout import Expected, Layout, find_layout, matches
from datasets.reading.rows import Malformed
from datasets.reading.stored import AlteredError, StoredFile

__all__ = [
    "AlteredError",
    "Batch",
    "Document",
    "Expected",
    "Layout",
    "Malformed",
    "MissingColumns",
    "OddTextError",
    "ReadError",
    "StoredFile",
    "Unfit",
    "ahead",
    "find_layout",
    "matches",
    "read_csv",
    "read_json",
]
