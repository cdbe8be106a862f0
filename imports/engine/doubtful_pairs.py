"""Refuse to pair the rows of a file of which less than half still matches, unless the user confirms the pairs."""

from collections.abc import Iterable

from django.utils.text import capfirst

from imports.engine.chosen_pairs import chosen_for
from imports.engine.locks import ImportRefusedError
from imports.models import ImportRun, SourceFile


def doubtful(run: ImportRun, files: Iterable[SourceFile]) -> list[SourceFile]:
    """Return the *files* of *run* with paired rows of which less than half still matches, unless the user confirmed it.

    They may be other files with the same name. A file that has only grown, and an excerpt of a file, do match. A pair
    that the user has made matches, too.
    """
    if run.pairing != ImportRun.Pairing.AUTO:
        return []
    return [file for file in files if _is_doubtful(file, chosen_for(run, file))]


def _is_doubtful(file: SourceFile, chosen: int) -> bool:
    paired = file.paired - chosen
    return paired > 0 and file.unchanged + chosen < paired + min(file.created, file.missing)


def refuse_doubtful_pairs(run: ImportRun, files: Iterable[SourceFile]) -> None:
    """Raise ImportRefusedError for a :func:`doubtful` file; in a preview, add a note to the run instead."""
    if doubted := doubtful(run, files):
        if not run.dry_run:
            raise ImportRefusedError(f"{doubt(doubted)} Nothing was imported.")
        run.notes.append(doubt(doubted))


def doubt(files: Iterable[SourceFile]) -> str:
    """Return a sentence about *files* whose rows must not be paired without a confirmation."""
    described = (
        f"only {file.unchanged:,} of {file.unchanged + file.paired + file.missing:,} records still match {file.name}"
        for file in files
    )
    return (
        f"{capfirst('; '.join(described))}, so it may be another file. Choose whether to pair edited rows with their "
        "records (“pairing” on), or to import them as new records (“pairing” off)."
    )
