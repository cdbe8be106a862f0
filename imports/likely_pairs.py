"""Suggestions for pairs that a user chooses: the most similar missing records of a new row, and vice versa."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import log2
from typing import Any, TypedDict

from datasets import exact_json
from imports.run_diff_file import Entry

MOST_COMPARED = 2000  # rows or records from the start of the list
SUGGESTED = 5  # for each row or record
LABELLED = 4  # values in a label

Cells = dict[str, str]  # values as texts, by column


class Suggestion(TypedDict):
    """The key of a missing record, or the line of a new row, and a label with some of its values."""

    value: Any
    label: str


def suggestions(
    entries: Sequence[Entry], others: Sequence[Entry], hidden: Mapping[str, Collection[str]]
) -> Iterator[list[Suggestion]]:
    """Yield the suggestions for each of *entries*, the most similar first.

    *others* are missing records if *entries* are new rows, and new rows if *entries* are missing records. Equal values
    count by how rare they are. Columns that are *hidden* from the user, by source, are neither compared nor shown.
    """
    cells = [_cells(entry, hidden) for entry in others]
    having: dict[tuple[str, str | None, str, str], list[int]] = defaultdict(list)
    for index, entry in enumerate(others):
        for column, text in cells[index].items():
            having[entry["source"], entry["file"], column, text].append(index)
    for entry in entries:
        likeness: Counter[int] = Counter()
        for column, text in _cells(entry, hidden).items():
            equal = having.get((entry["source"], entry["file"], column, text), [])
            likeness.update(dict.fromkeys(equal, log2(1 + len(others) / len(equal))) if equal else {})
        yield [_suggestion(others[index], cells[index]) for index, _ in likeness.most_common(SUGGESTED)]


def _cells(entry: Entry, hidden: Mapping[str, Collection[str]]) -> Cells:
    row, unseen = entry.get("row", {}), hidden[entry["source"]]
    return {name: _text(value) for name, value in row.items() if value is not None and name not in unseen}


def _text(value: Any) -> str:
    return exact_json.text(value) if isinstance(value, dict | list) else str(value)


def _suggestion(entry: Entry, cells: Cells) -> Suggestion:
    label = ", ".join(list(cells.values())[:LABELLED])
    if "pk" in entry:
        return {"value": entry["pk"], "label": f"{label} (line {entry['line']})"}
    return {"value": entry["line"], "label": label}
