"""Find the key of a file, which is one unique column or a few together, and the references to keys of other files."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from math import prod

import numpy as np
import pyarrow.compute as pc

from imports.new_dataset.choices import YEARS, Choice, words_of
from imports.new_dataset.examination import Examined
from imports.new_dataset.flat_files import FlatFile
from imports.readers.headers import plain

IDS = {
    "id",
    "ids",
    "uuid",
    "guid",
    "key",
    "code",
    "no",
    "nr",
    "number",
    "num",
    "index",
    "iso",
    "rownames",
    "identifier",
}
ENTITIES = {"individual", "person", "subject", "patient", "firm", "household", "user", "customer", "station", "symbol"}
PLACES = {"country", "state", "city", "county", "region", "district", "station", "site", "symbol", "ticker", "species"}
PART_OF_NAME = {"first", "given", "last", "family", "middle", "sur"}
IN_TIME = YEARS | {"date", "month", "quarter", "qtr", "week", "day", "time", "hour", "period", "wave", "round"}
KEY_KINDS = ("IntegerField", "BigIntegerField", "DateField", "CharField", "Choice", "Vocabulary")
MOST_COMBINED = 8  # columns from which pairs and triples are tried
FULL, HALF = 0.99, 0.5  # shares of the possible combinations of values
LONGEST_KEY = 100  # characters of a text key
MOST_KEYS = 1_000_000  # values of a key that other files may refer to


def is_id(choice: Choice) -> bool:
    """Return whether the heading names an identifier, such as ``id``, ``user_id`` or ``No.``."""
    words = words_of(choice.heading)
    named = bool(words) and (words[-1] in IDS or words[0] in ("id", "uuid", "code") or bool(ENTITIES & set(words)))
    return named and choice.kind in KEY_KINDS


def is_in_time(choice: Choice) -> bool:
    return choice.kind == "DateField" or bool(IN_TIME & set(words_of(choice.heading)) and choice.kind in KEY_KINDS)


def key_of(file: FlatFile, columns: list[Examined], choices: list[Choice]) -> tuple[list[str], str]:
    """Return the headings of the key with the reason, or no headings if the rows have no key."""
    single = [
        (rank, position)
        for position, (choice, column) in enumerate(zip(choices, columns, strict=True))
        if choice.unique and (rank := _rank(choice, column, position)) is not None
    ]
    if single:
        choice = choices[min(single)[1]]
        return [choice.heading], f"unique in {columns[0].rows:,} rows"
    for names in _unique_together(file, columns, choices):
        return names, f"unique together in {columns[0].rows:,} rows"
    return [], "no column and no combination of identifying columns is unique in all rows"


def _rank(choice: Choice, column: Examined, position: int) -> int | None:
    """Return how well a unique column fits as the key, 0 is best, or None if it is no identifier."""
    whole = choice.kind in ("IntegerField", "BigIntegerField")
    if choice.kind not in KEY_KINDS or _is_written_number(choice) or (not whole and column.longest > LONGEST_KEY):
        return None
    if is_id(choice):
        return 0
    if whole and column.sequence and position == 0:
        return 1
    words, text = set(words_of(choice.heading)), choice.is_text
    if text and words & PART_OF_NAME:
        return None
    if position == 0 and (not whole or is_in_time(choice)):
        return 2
    return 3 if is_in_time(choice) or (text and words & {"name", *PLACES}) else None


def _is_written_number(choice: Choice) -> bool:
    return choice.written is not None and choice.kind != "DateField"


def _unique_together(file: FlatFile, columns: list[Examined], choices: list[Choice]) -> Iterator[list[str]]:
    """Yield the headings of each pair, then of each triple, of identifying columns that no two rows share."""
    positions = [
        position
        for position, (choice, column) in enumerate(zip(choices, columns, strict=True))
        if not (choice.null or choice.unique or _is_written_number(choice))
        and choice.kind in KEY_KINDS
        and (column.has_many or column.distinct > 1)
        and column.longest <= LONGEST_KEY
    ][:MOST_COMBINED]
    groups = [
        group for size in (2, 3) for group in combinations(positions, size) if _may_identify(group, columns, choices)
    ]
    groups.sort(key=lambda group: (len(group), -sum(is_id(choices[p]) or is_in_time(choices[p]) for p in group)))
    hashes = _hashes(file, sorted({position for group in groups for position in group}))
    for group in groups:
        together = np.zeros(columns[0].rows, np.uint64)
        for place, position in enumerate(group):
            together += hashes[position] * np.uint64(2 * place + 1)
        if len(np.unique(together)) == len(together):
            yield [choices[position].heading for position in group]


def _may_identify(group: tuple[int, ...], columns: list[Examined], choices: list[Choice]) -> bool:
    """Return whether a combination is likely to be meant as a key: a combination of many columns is unique by chance.

    It is, if its columns name what a row describes and when, or if almost every combination of their values occurs.
    """
    sizes = [columns[position].rows if columns[position].has_many else columns[position].distinct for position in group]
    share = columns[0].rows / prod(sizes)
    if share >= FULL:
        return True
    naming = [choices[position] for position in group]
    named = any(is_id(choice) or is_in_time(choice) for choice in naming)
    described = all(is_id(choice) or is_in_time(choice) or choice.is_text for choice in naming)
    first = group == (0, 1) and all(choice.is_text for choice in naming)
    return (described and named and (len(group) == 2 or share >= HALF)) or first


def _hashes(file: FlatFile, positions: Sequence[int]) -> dict[int, np.ndarray]:
    """Return the hash of each cell of some columns, as 8 bytes."""
    parts: dict[int, list[np.ndarray]] = {position: [] for position in positions}
    for batch in file.batches():
        for position, hashes in parts.items():
            encoded = batch[position].dictionary_encode()
            texts = np.fromiter(map(hash, encoded.dictionary.to_pylist()), np.int64).view(np.uint64)
            hashes.append(texts[encoded.indices.to_numpy(zero_copy_only=False)])
    return {position: np.concatenate(hashes) for position, hashes in parts.items()}


def refers(child: FlatFile, heading: str, parent: FlatFile, key: str) -> bool:
    """Return whether all values of a column of *child* are keys of *parent*."""
    known = _values(parent, key)
    return 0 < len(known) <= MOST_KEYS and _values(child, heading, most=len(known)) <= known


def _values(file: FlatFile, heading: str, most: int = MOST_KEYS) -> set[str]:
    """Return the distinct values of a column, but no more than a few above *most*."""
    position, values = file.headings.index(heading), set[str]()
    for batch in file.batches():
        values |= {text for text in pc.unique(batch[position]).to_pylist() if text}
        if len(values) > most:
            break
    return values


def may_refer(choice: Choice, key: Choice, files: Iterable[str]) -> bool:
    """Return whether a column could refer to *key*, by its type and its heading.

    Whole numbers are in many columns, so that their headings have to be alike, too.
    """
    if choice.written or choice.is_text != key.is_text or choice.kind not in KEY_KINDS:
        return False
    heading, named = plain(choice.heading), plain(key.heading)
    return choice.is_text or heading == named or heading.removesuffix("_id") in {plain(file) for file in files}
