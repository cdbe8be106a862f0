"""Run the census insights again for ``make notebook``: write the notebook and its answers together, or neither.

``python -m tests.insights [--folder FOLDER]``: if the respondents are those of UCI's files, replace the committed
files in census/; otherwise write the same two files to var/.
"""

import argparse
import io
import json
import logging
import os
import sys
import tempfile
from pathlib import Path

import django
import nbformat
from django.core.management import CommandError, call_command
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tests.notebooks import executed, texts

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "census" / "insights.ipynb"


class NotebookError(Exception):
    """Nothing is written; the message says why."""


def rerun(folder: Path = ROOT) -> str:
    """Write both files to *folder* and return a message about them. Raises NotebookError."""
    from census.insights import unanswered
    from census.insights.files import are_of_uci
    from census.models import Respondent

    insights = answered()
    if without := unanswered(insights):
        number = Respondent.objects.count()
        raise NotebookError(
            f"Nothing is written: {number:,} respondents answer {len(insights) - len(without)} of {len(insights)} "
            "questions. "
            f"{' '.join(next(iter(without.items())))} Import more: python manage.py import_census"
        )
    of_uci = are_of_uci()
    notebook = ran_through(NOTEBOOK)
    if [text for text in texts(notebook) if text.startswith("**")] != [f"**{e['answer']}**" for e in insights.values()]:
        raise NotebookError("Nothing is written: the respondents changed during the run. Type: make notebook")
    where = folder / ("census" if of_uci else "var")
    replaced({
        where / "insights.ipynb": nbformat.writes(notebook) + "\n",
        where / "insights.json": json.dumps(insights, ensure_ascii=False, indent=2) + "\n",
    })  # fmt: skip
    shown = os.path.relpath(where)
    if of_uci:
        return f"{shown}/insights.ipynb and insights.json were written from UCI's files."
    return (
        f"{shown}/insights.ipynb and insights.json were written from the {Respondent.objects.count():,} imported "
        "respondents. These are not exactly those of UCI's two files, so the committed files were not changed."
    )


def answered() -> dict[str, dict]:
    """Return the answers of manage.py census_insights; raises NotebookError with its message."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "answers.json")
        try:
            call_command("census_insights", output=str(path), verbosity=0, stderr=io.StringIO())
        except CommandError as error:
            raise NotebookError(f"Nothing is written: {error}") from None
        return json.loads(path.read_text(encoding="utf-8"))


def ran_through(path: Path) -> nbformat.NotebookNode:
    """Return the executed notebook; raises NotebookError with the error of a cell."""
    try:
        return executed(path)
    except CellExecutionError as error:
        result = f"a cell of {path.name} fails on these respondents ({error.ename}: {error.evalue})"
    except (CellTimeoutError, DeadKernelError) as error:
        result = f"{path.name} did not finish ({type(error).__name__})"
    raise NotebookError(f"Nothing is written: {result}.")


def replaced(contents: dict[Path, str]) -> None:
    """Replace all of these files or none of them; raises NotebookError if a file cannot be written."""
    new = {path: path.with_name(f".{path.name}.new") for path in contents}
    old = {path: path.read_bytes() if path.is_file() else None for path in contents}
    done = []
    try:
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            new[path].write_text(text, encoding="utf-8")
        for path, written in new.items():
            written.replace(path)
            done.append(path)
    except OSError as error:
        for path in done:
            path.unlink() if old[path] is None else path.write_bytes(old[path])
        raise NotebookError(
            f"Nothing is written: {os.path.relpath(error.filename2 or error.filename)}: {error.strerror}."
        ) from None
    finally:
        for written in new.values():
            written.unlink(missing_ok=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make notebook", description="Run the census insights again.")
    parser.add_argument("--folder", type=Path, default=ROOT, help="in whose census/ or var/ the files are written")
    chosen = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    logging.getLogger("traitlets").setLevel(logging.WARNING)  # otherwise nbclient logs each notebook
    try:
        print(rerun(chosen.folder))
    except NotebookError as refused:
        sys.exit(str(refused))
