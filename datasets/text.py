"""Clean texts: whitespace of any kind, invisible format characters, and Unicode normalization.

A text is stored and compared in Unicode's normal form C (NFC), without leading or trailing whitespace. Format
characters inside it stay, because some scripts need joiners and direction marks.
"""

import re
import sys
import unicodedata
from typing import AnyStr

# All characters that str.strip() removes, so that Arrow, Python and Django's forms trim alike.
SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace())
BOM = "\ufeff"
# Zero-width spaces, which are meaningless at the start and the end of a text; U+FEFF is also the byte order mark.
ZERO_WIDTH = f"\u200b\u2060{BOM}"
# Unicode's category Cf, and fillers and variation selectors without width from other categories.
FORMATS = (
    "ad 600-605 61c 6dd 70f 890-891 8e2 180e 200b-200f 202a-202e 2060-2064 2066-206f feff fff9-fffb 110bd 110cd"
    " 13430-1343f 1bca0-1bca3 1d173-1d17a e0001 e0020-e007f"
    " 34f 115f-1160 17b4-17b5 180b-180d 180f 3164 fe00-fe0f ffa0 e0100-e01ef"
)


def class_of(ranges: str, written: str) -> str:
    """Return the ranges as the content of a regular expression's class; *written* formats each code point."""
    ends = (pair.split("-") for pair in ranges.split())
    return "".join("-".join(written.format(int(end, 16)) for end in pair) for pair in ends)


_IN_CLASS = class_of(FORMATS, r"\U{:08x}")
_FORMAT = re.compile(f"[{_IN_CLASS}]")
_UNSEEN = re.compile(rf"[{_IN_CLASS}\s]+")


def clean(text: str) -> str:
    """Return *text* normalized for storage and comparison: NFC, without leading or trailing whitespace of any kind.

    A text of only format characters keeps them, because it is not empty.
    """
    text = text.strip()
    if text.isascii():
        return text
    return composed(text if is_unseen(text) else text.strip(SPACES + ZERO_WIDTH))


def composed(text: str) -> str:
    """Return *text* in NFC, which composes a letter and its accent to one character if Unicode has one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_format(text: str) -> str:
    """Return *text* without its format characters."""
    return text if text.isascii() else _FORMAT.sub("", text)


def is_unseen(text: str) -> bool:
    """Return whether *text* has non-ASCII characters, and all its characters are invisible."""
    return not text.isascii() and _UNSEEN.fullmatch(text) is not None


def visible(text: str, keep: str = "") -> str:
    """Return *text* with its invisible characters, except those in *keep*, replaced with codes such as ``<U+00A0>``.

    Control characters, such as tabs and line breaks, are also replaced.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"<U+{ord(c):04X}>" if c not in keep and _is_unseen(c) else c for c in text)


def _is_unseen(character: str) -> bool:
    return not character.isprintable() or _FORMAT.match(character) is not None


def shown(text: str, most: int = 60) -> str:
    """Return *text* quoted for a message: truncated, on one line, with codes for invisible characters."""
    short = text if len(text) <= most else text[:most] + "…"
    return f'"{visible(short)}"'


def match_end(pattern: re.Pattern[AnyStr], text: AnyStr, start: int, stop: int = sys.maxsize) -> int:
    """Return the end of what the pattern matches at *start*, before *stop*; *start* where it matches nothing."""
    match = pattern.match(text, start, stop)
    return match.end() if match else start
