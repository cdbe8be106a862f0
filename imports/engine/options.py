"""Options of an import, the same for commands, pages and the API."""

from dataclasses import dataclass

from django.contrib.auth.models import User


@dataclass(frozen=True)
class Options:
    """Options of an import.

    *known_as* is the name of the file that the given file is a new version of. *encoding* is the name of a Python
    codec, *started_by* a user. Files in folders whose names match *patterns* are read as if each were given by name.
    *delete_most* allows deleting more than half of a table. *allow_missing_columns* accepts files that lack most
    columns or required columns. *expecting* is the dataset's version that the user saw in the preview; if the version
    differs, the run becomes a preview again.
    """

    dry_run: bool = False
    strict: bool = False
    delete_missing: bool = False
    delete_most: bool = False
    allow_missing_columns: bool = False
    known_as: str | None = None
    patterns: tuple[str, ...] = ()
    encoding: str = "utf-8"
    started_by: User | None = None
    expecting: str = ""


DEFAULT_OPTIONS = Options()
