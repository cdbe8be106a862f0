"""The choices of a user about pairs: rows that are new versions of a record, and rows and records that are not."""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from imports.engine.outdated_previews import preview_again
from imports.engine.pairing import Candidates, ChosenPairs
from imports.models import ImportRun, SourceFile

NAMED = 5  # choices that a note names


class PairChoice(TypedDict):
    """A choice about a row and a record: whether the row is *paired* with the record, or they are different records."""

    source: str
    file: str
    sha256: str  # of the file in the preview
    line: int
    record: str
    paired: bool


def choices_of(run: ImportRun, source: str) -> list[PairChoice]:
    """Return the choices of *run* about the rows of *source*."""
    return [choice for choice in run.pair_choices if choice["source"] == source]


def chosen_for(run: ImportRun, file: SourceFile) -> int:
    """Return the number of rows of *file* that the user has paired with a record."""
    return sum(choice["paired"] and choice["file"] == file.name for choice in choices_of(run, file.source))


def chosen_records(run: ImportRun, source: str) -> set[str]:
    """Return the keys of the records that the user has paired with a row."""
    return {choice["record"] for choice in choices_of(run, source) if choice["paired"]}


def find_chosen(
    choices: Sequence[PairChoice],
    candidates: Candidates,
    rows: Sequence[tuple[str, str, int]],
    records: Sequence[Any],
) -> tuple[ChosenPairs, list[PairChoice]]:
    """Return the indexes of the chosen rows and records, and the choices that apply to *candidates*.

    *rows* are the file, its SHA-256 and the line of each row, and *records* the key of each record. A choice applies if
    its row is new and its record is missing from the same file.
    """
    wanted_rows = {(choice["file"], choice["sha256"], choice["line"]) for choice in choices}
    wanted_records = {choice["record"] for choice in choices}
    row_at = {row: index for index, row in enumerate(rows) if row in wanted_rows}
    record_at = {key: index for index, key in enumerate(map(str, records)) if key in wanted_records}
    chosen: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    applicable = []
    for choice in choices:
        index = row_at.get((choice["file"], choice["sha256"], choice["line"]))
        other = record_at.get(choice["record"])
        if index is not None and other is not None and candidates.rows[index, 0] == candidates.records[other, 0]:
            chosen[choice["paired"]].append((index, other))
            applicable.append(choice)
    pairs, separate = (np.array(chosen[paired], np.int64).reshape(-1, 2).T for paired in (True, False))
    return ChosenPairs(*pairs, *separate), applicable


def withdraw_others(run: ImportRun, applicable: Sequence[PairChoice]) -> None:
    """Withdraw the choices of *run* that are not *applicable*, with a note; a run to apply becomes a preview again."""
    others = [choice for choice in run.pair_choices if choice not in applicable]
    if not others:
        return
    run.pair_choices = [choice for choice in run.pair_choices if choice in applicable]
    named = [f"line {c['line']} of {c['file']} and {c['source']} {c['record']}" for c in others[:NAMED]]
    if more := len(others) - len(named):
        named.append(f"{more:,} more")
    why = (
        f"Choices about pairs no longer apply: {'; '.join(named)}. The file has changed, the row is not new, or the "
        "record is not missing."
    )
    if run.dry_run:
        run.notes.append(why)
    else:
        preview_again(run, why)
