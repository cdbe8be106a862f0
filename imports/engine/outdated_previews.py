"""Turn the application of a preview into a new preview if its result would differ from the one that the user saw."""

from datasets.versions import version_of
from imports.engine.options import Options, withdraw_confirmations
from imports.models import ImportRun


def files_of(run: ImportRun) -> frozenset[tuple[str, str, str]]:
    """Return the source, name and SHA-256 of each file that *run* has read."""
    return frozenset(run.files.values_list("source", "name", "sha256"))


def refuse_outdated(run: ImportRun, options: Options) -> None:
    """Make *run* a preview if the tables or the files have changed since the preview that it applies."""
    if not options.expecting:
        return
    if str(version_of(run.dataset)) != options.expecting:
        preview_again(run, "The tables have changed since the preview.")
    if files_of(run) != options.expecting_files:  # the site's own files
        preview_again(run, "The files have changed since the preview.")


def preview_again(run: ImportRun, why: str) -> None:
    """Make *run* a preview again, and withdraw what the user has confirmed about another result."""
    run.dry_run = True
    withdraw_confirmations(run)
    run.notes.append(f"{why} Review this new preview.")
