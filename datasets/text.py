"""Characters that nobody sees: spaces of any kind, format characters, and accents typed in more than one way.

A text is stored and compared in Unicode's form NFC, without spaces at its ends. Format characters inside it stay, for
joiners and direction marks are part of how some languages are written.
"""

import re
import unicodedata

# All that str.strip() takes off, so that Arrow, Python and Django's forms take off the same.
SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace())
BOM = "\ufeff"
# Spaces without width: at the ends of a text they say nothing; U+FEFF is what is left of a byte order mark.
ZERO_WIDTH = f"\u200b\u2060{BOM}"
# Unicode's category Cf, and the fillers and variation selectors that have no width although they are in others.
FORMATS = (
    "ad 600-605 61c 6dd 70f 890-891 8e2 180e 200b-200f 202a-202e 2060-2064 2066-206f feff fff9-fffb 110bd 110cd"
    " 13430-1343f 1bca0-1bca3 1d173-1d17a e0001 e0020-e007f"
    " 34f 115f-1160 17b4-17b5 180b-180d 180f 3164 fe00-fe0f ffa0 e0100-e01ef"
)


def class_of(ranges: str, written: str) -> str:
    """Return the inside of a regular expression's class, with each end of the ranges *written* so."""
    ends = (pair.split("-") for pair in ranges.split())
    return "".join("-".join(written.format(int(end, 16)) for end in pair) for pair in ends)


_IN_CLASS = class_of(FORMATS, r"\U{:08x}")
_FORMAT = re.compile(f"[{_IN_CLASS}]")
_UNSEEN = re.compile(rf"[{_IN_CLASS}\s]+")


def clean(text: str) -> str:
    """Return *text* as it is stored and compared: in NFC, without spaces of any kind at its ends.

    A text of nothing but format characters keeps them: it is not the same as no text.
    """
    text = text.strip()
    if text.isascii():
        return text
    return composed(text if is_unseen(text) else text.strip(SPACES + ZERO_WIDTH))


def composed(text: str) -> str:
    """Return *text* in NFC: an accent and its letter are one character where Unicode has one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_format(text: str) -> str:
    """Return *text* without its format characters."""
    return text if text.isascii() else _FORMAT.sub("", text)


def is_unseen(text: str) -> bool:
    """Tell whether *text* holds characters beyond ASCII, and a reader sees none of them."""
    return not text.isascii() and _UNSEEN.fullmatch(text) is not None


def visible(text: str, keep: str = "") -> str:
    """Return *text* with what a reader would not see written out, such as ``<U+00A0>``, but for characters of *keep*.

    Control characters, such as tabs and line breaks, are written out, too.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"<U+{ord(c):04X}>" if c not in keep and _is_unseen(c) else c for c in text)


def _is_unseen(character: str) -> bool:
    return not character.isprintable() or _FORMAT.match(character) is not None


def shown(text: str, most: int = 60) -> str:
    """A piece of a file as it is quoted in a sentence: short, on one line, with invisible characters written out."""
    short = text if len(text) <= most else text[:most] + "…"
    return f'"{visible(short)}"'
