"""Suggestions for unknown names, with the same wording for parameters, columns, tables, terms and accounts."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST = 200  # maximum length of names to compare, because the time depends on the lengths of both names


def closest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the name in *known* most similar to *name*, or None if no similarity reaches *likeness* (0 to 1)."""
    return next(iter(get_close_matches(name[:LONGEST], list(known), 1, likeness)), None)


def suggest(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean X?`` to append to a sentence, or an empty string if no name is similar.

    Pass only names that the user has permission to see.
    """
    return did_you_mean(closest(name, known))


def did_you_mean(name: str | None) -> str:
    """Return `` Did you mean X?`` for *name*, or an empty string for None."""
    return f" Did you mean {name}?" if name else ""
