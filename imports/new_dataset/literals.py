"""Literals and other text in generated code. Text of a file enters generated code only through these functions."""

import re
from collections.abc import Iterable

from datasets.text import visible

WIDTH = 90  # characters of a literal on one line


def literal(text: str) -> str:
    """Return *text* as a Python string literal, or as several in parentheses if it is long."""
    quoted = _pieces(text)
    return quoted[0] if len(quoted) == 1 else f"({' '.join(quoted)})"


def literal_of_lines(lines: Iterable[str]) -> str:
    """Return a text of several *lines* as literals in parentheses, which begin with the lines."""
    return f"({' '.join(piece for line in lines for piece in _pieces(line))})"


def _pieces(text: str) -> list[str]:
    escaped = [_escaped(character) for character in text]
    lines, line = [], ""
    for piece in escaped:
        if len(line) + len(piece) > WIDTH:
            cut = line.rfind(" ", WIDTH // 2) + 1 or len(line)
            lines.append(line[:cut])
            line = line[cut:]
        line += piece
    return [f'"{each}"' for each in [*lines, line]]


def _escaped(character: str) -> str:
    """Return a character as in a literal: ASCII and the letters of Latin-1, and escapes for all others."""
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable() and (character.isascii() or (character.isalpha() and "À" <= character <= "ÿ")):
        return character
    return ascii(character)[1:-1]


def tuple_of(texts: Iterable[str]) -> str:
    literals = [literal(text) for text in texts]
    return f"({', '.join(literals)}{',' if len(literals) == 1 else ''})"


def in_prose(text: str) -> str:
    """Return the name of a file for a docstring or a comment, with underscores for unusual characters."""
    return re.sub(r"[^A-Za-z0-9._ -]", "_", text)[:60]


def in_table(text: str) -> str:
    """Return *text* as code in a cell of a Markdown table, shortened and on one line."""
    shown = visible(text if len(text) <= 60 else text[:60] + "…")
    return f"`{shown.replace('`', chr(39)).replace('|', chr(92) + '|')}`" if shown.strip() else "(empty)"
