"""Read tables into Arrow batches and JSON files into documents, with the line numbers that an editor shows."""

from imports.readers.batches import Batch
from imports.readers.csv_reader import read_csv
from imports.readers.csv_scanner import Malformed
from imports.readers.errors import HeaderMismatchError, MissingColumnsError, OddTextError, ReadError
from imports.readers.json_reader import Document, read_json
from imports.readers.layout import ExpectedColumns, Layout, find_header, find_layout, matches, numbered_headings
from imports.readers.prefetch import ahead
from imports.readers.verified_files import AlteredError, Part, Stored, StoredFile

__all__ = [
    "AlteredError",
    "Batch",
    "Document",
    "ExpectedColumns",
    "HeaderMismatchError",
    "Layout",
    "Malformed",
    "MissingColumnsError",
    "OddTextError",
    "Part",
    "ReadError",
    "Stored",
    "StoredFile",
    "ahead",
    "find_header",
    "find_layout",
    "matches",
    "numbered_headings",
    "read_csv",
    "read_json",
]
