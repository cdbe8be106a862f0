"""Mask personal data in imports: hide the cells that a run's messages quote, and refuse masked values in files.

Users without permission to see a dataset's personal data see a run's messages without cells. Messages put cells in
double quotes. A file without a header has cells in place of headers, so any unknown header may contain personal data.
"""

import re
from collections.abc import Iterable

from django.apps import apps

from datasets.records.masking import Viewer, hidden_fields
from datasets.registry import dataset_apps
from datasets.text import shown, visible
from imports.models import ImportRun, SourceFile
from imports.readers import ReadError
from imports.readers.headers import plain, quoted_heading
from imports.row_problems import MaskedValueError
from imports.sources import sources_of

HIDDEN = "(hidden)"
# A cell may contain quotes. Its closing quote is followed by whitespace or punctuation.
QUOTED = re.compile(r'(?<![^\s(])"(.*?)"(?=[\s,.;:)]|$)', re.S)
GUESS = re.compile(r" \(did you mean .*?\?\)", re.S)
ADDRESS = re.compile(r"[\w.+'-]+@[\w.-]+")
FAULT = re.compile(r"^(Internal error: \w+):.*", re.S)


def is_restricted(dataset: str, user: Viewer) -> bool:
    """Return whether a dataset has personal data that *user* does not have permission to see."""
    models = apps.get_app_config(dataset).get_models() if dataset in apps.app_configs else ()
    return any(hidden_fields(model, user) for model in models)


def is_restricted_anywhere(user: Viewer) -> bool:
    """Return whether any dataset has personal data that *user* does not have permission to see."""
    return any(is_restricted(dataset, user) for dataset in dataset_apps())


def known_headings(dataset: str) -> set[str]:
    """Return all accepted headers of a dataset's files, normalized."""
    sources = sources_of(dataset) if dataset in dataset_apps() else ()
    columns = [(name, column) for source in sources for name, column in source.bound.items()]
    return {plain(spelling) for name, column in columns for spelling in (name, *column.names)}


def without_cells(text: str, known: set[str], cells: Iterable[str] = ()) -> str:
    """Return *text* with quoted cells and *cells* hidden, except *known* headers."""
    text = FAULT.sub(r"\1.", GUESS.sub("", text))
    if '"' in QUOTED.sub("", text):  # the end of the quoted cell is ambiguous
        return text[: text.index('"')] + HIDDEN + text[text.rindex('"') + 1 :]
    quoted = [cell for cell in QUOTED.findall(text) if cell and plain(cell) not in known]
    text = QUOTED.sub(lambda match: match[0] if not match[1] or plain(match[1]) in known else HIDDEN, text)
    unknown = [cell for cell in (*quoted, *cells) if plain(cell) not in known]
    spellings = {spelling for cell in unknown for spelling in (cell, visible(cell), quoted_heading(cell))}
    for cell in sorted(spellings - {""}, key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(cell)}(?!\w)", HIDDEN, text)
    return ADDRESS.sub(HIDDEN, text)


def without_addresses(text: str) -> str:
    """Return text that a user has entered, with its e-mail addresses hidden."""
    return ADDRESS.sub(HIDDEN, text)


def readable(text: str, user: Viewer) -> str:
    """Return text that a user has entered, for *user*.

    E-mail addresses are hidden unless *user* has permission to see all personal data.
    """
    return without_addresses(text) if is_restricted_anywhere(user) else text


class RunTexts:
    """The messages of a run, redacted for *user*."""

    def __init__(self, run: ImportRun, user: Viewer):
        self.run, self.restricted = run, is_restricted(run.dataset, user)
        self.known = known_headings(run.dataset) if self.restricted else set()

    @property
    def error(self) -> str:
        return self._redacted(self.run.error)

    @property
    def reason(self) -> str:
        return without_addresses(self.run.reason) if self.restricted else self.run.reason

    @property
    def notes(self) -> list[str]:
        return [self._redacted(note) for note in self.run.notes]

    @property
    def new_terms(self) -> dict[str, list[str]]:
        """The new terms by table.

        They are hidden if *user* may not see personal data, because they are cells of a file.
        """
        new_terms = self.run.new_terms
        return {table: [HIDDEN] * len(terms) for table, terms in new_terms.items()} if self.restricted else new_terms

    def unknown_columns(self, file: SourceFile) -> list[str]:
        """The headers of a file that match no column."""
        return [HIDDEN] * len(file.unknown_columns) if self.restricted else file.unknown_columns

    def _redacted(self, text: str) -> str:
        if not self.restricted or not text:
            return text
        return without_cells(text, self.known, [name for file in self.run.files.all() for name in file.unknown_columns])


def masked_value_refused(file: SourceFile, line: int, error: MaskedValueError) -> ReadError:
    """Return the error for a masked value in a file. Importing it would overwrite the real value."""
    return ReadError(
        f"{file.original_name}, line {line}: {error.column} is masked ({shown(error.value)}). Expected the full value, "
        f"because imports do not store masked values. Export the table again with permission to see {error.column}, or "
        "enter the full values."
    )
