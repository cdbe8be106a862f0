"""Clean text: whitespace, invisible format characters, and Unicode normalization.

Text is stored and compared in Unicode Normalization Form C (NFC), without leading or trailing whitespace. Format
characters inside text are kept, because some scripts need joiners and direction marks.
"""

import re
import sys
import unicodedata
from typing import AnyStr

# All characters that str.strip() removes, so Arrow, Python and Django's forms remove the same characters.
SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace())
BOM = "\ufeff"
# Zero-width spaces, which are meaningless at the start and the end of text. U+FEFF is also the byte order mark.
ZERO_WIDTH = f"\u200b\u2060{BOM}"
# Unicode's category Cf, and zero-width fillers and variation selectors from other categories.
FORMATS = (
    "ad 600-605 61c 6dd 70f 890-891 8e2 180e 200b-200f 202a-202e 2060-2064 2066-206f feff fff9-fffb 110bd 110cd"
    " 13430-1343f 1bca0-1bca3 1d173-1d17a e0001 e0020-e007f"
    " 34f 115f-1160 17b4-17b5 180b-180d 180f 3164 fe00-fe0f ffa0 e0100-e01ef"
)


def class_of(ranges: str, written: str) -> str:
    """Return the ranges as the content of a character class in a regular expression.

    *written* formats each code point.
    """
    ends = (pair.split("-") for pair in ranges.split())
    return "".join("-".join(written.format(int(end, 16)) for end in pair) for pair in ends)


_IN_CLASS = class_of(FORMATS, r"\U{:08x}")
_FORMAT = re.compile(f"[{_IN_CLASS}]")
_UNSEEN = re.compile(rf"[{_IN_CLASS}\s]+")


def clean(text: str) -> str:
    """Return *text* normalized for storage and comparison, in NFC and without leading or trailing whitespace.

    Text that consists only of format characters keeps them, because it is not empty.
    """
    text = text.strip()
    if text.isascii():
        return text
    return composed(text if is_unseen(text) else text.strip(SPACES + ZERO_WIDTH))


def composed(text: str) -> str:
    """Return *text* in NFC, which combines a letter and its accent into one character if Unicode has one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_format(text: str) -> str:
    """Return *text* without format characters."""
    return text if text.isascii() else _FORMAT.sub("", text)


def is_unseen(text: str) -> bool:
    """Return whether *text* has non-ASCII characters and consists only of invisible characters."""
    return not text.isascii() and _UNSEEN.fullmatch(text) is not None


def visible(text: str, keep: str = "") -> str:
    """Return *text* with invisible characters, except those in *keep*, replaced with codes such as ``<U+00A0>``.

    Control characters, such as tabs and line breaks, are also replaced.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"<U+{ord(c):04X}>" if c not in keep and _is_unseen(c) else c for c in text)


def _is_unseen(character: str) -> bool:
    return not character.isprintable() or _FORMAT.match(character) is not None


def shown(text: str, most: int = 60) -> str:
    """Return *text* quoted for a message: truncated, on one line, and with codes for invisible characters."""
    short = text if len(text) <= most else text[:most] + "…"
    return f'"{visible(short)}"'


def match_end(pattern: re.Pattern[AnyStr], text: AnyStr, start: int, stop: int = sys.maxsize) -> int:
    """Return the end of the pattern's match from *start*, at most *stop*, or *start* if there is no match."""
    match = pattern.match(text, start, stop)
    return match.end() if match else start
