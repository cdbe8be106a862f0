"""How files are to be imported, as every door says it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How files are to be imported.

    *known_as* is the name that a file goes by from one import to the next, where that is not its own; *encoding* is a
    Python codec's name; *started_by* a user. Files in folders whose names match *patterns* are read as if they were
    named themselves. *remove_most* is for who knows that most of a table is to go as missing.
    *allow_missing_columns* is for files that lack most of the columns expected of them, or required ones.
    *expecting* is what a preview has said of how the tables stood, and its reader has agreed to; where they stand
    otherwise, the run is a preview again.
    """

    dry_run: bool = False
    strict: bool = False
    remove_missing: bool = False
    remove_most: bool = False
    allow_missing_columns: bool = False
    known_as: str | None = None
    patterns: tuple[str, ...] = ()
    encoding: str = "utf-8"
    started_by: object = None
    expecting: str = ""


USUAL = Options()
