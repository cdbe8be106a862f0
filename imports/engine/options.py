"""The options of an import, shared by commands, pages and the API."""

from dataclasses import dataclass

from django.contrib.auth.models import User

from imports.models import ImportRun


@dataclass(frozen=True)
class Options:
    """The options of an import.

    *known_as* is the name of the file that the given file replaces. *encoding* is the name of a Python codec,
    *started_by* is a user, and *reason* says why the user imports the files. Files in folders are read as if they
    were given by name if their names match *patterns*. *delete_most* allows deleting more than half of a table.
    *pairing* says whether edited rows of files without a key are paired with their records, see
    :class:`imports.models.ImportRun.Pairing`. *allow_missing_columns* accepts files that lack most columns or
    required columns. *expecting* is the version of the dataset that the preview was based on, and *expecting_files*
    are its files, by source, name and SHA-256. If they have changed, the run becomes a preview again.
    """

    dry_run: bool = False
    strict: bool = False
    delete_missing: bool = False
    delete_most: bool = False
    allow_missing_columns: bool = False
    pairing: str = ImportRun.Pairing.AUTO
    known_as: str | None = None
    patterns: tuple[str, ...] = ()
    encoding: str = "utf-8"
    reason: str = ""
    started_by: User | None = None
    expecting: str = ""
    expecting_files: frozenset[tuple[str, str, str]] = frozenset()


DEFAULT_OPTIONS = Options()


def withdraw_confirmations(run: ImportRun) -> None:
    """Remove what the user has confirmed after a preview, because there will be another preview."""
    run.delete_most = False
    if run.pairing == ImportRun.Pairing.ON:
        run.pairing = ImportRun.Pairing.AUTO
