"""Characters that nobody sees: spaces of any kind, format characters, and accents typed in more than one way.

A text is stored and compared in Unicode's form NFC, without spaces at its ends. Format characters inside it stay, for
joiners and direction marks are part of how some languages are written.
"""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# All that str.strip() takes off, so that Arrow, Python and Django's forms take off the same.
SPACES = "".join(c for c in map(chr, range(0x3001)) if c.isspace())
BOM = "\ufeff"
ASCII_SPACES = "".join(c for c in SPACES if c.isascii())
# Unicode's category Cf, and the fillers and variation selectors that have no width although they are in others.
FORMATS = (
    "ad 600-605 61c 6dd 70f 890-891 8e2 180e 200b-200f 202a-202e 2060-2064 2066-206f feff fff9-fffb 110bd 110cd"
    " 13430-1343f 1bca0-1bca3 1d173-1d17a e0001 e0020-e007f"
    " 34f 115f-1160 17b4-17b5 180b-180d 180f 3164 fe00-fe0f ffa0 e0100-e01ef"
)


def _class_of(ranges: str, written: str) -> str:
    """Return the inside of a regular expression's class, with each end of the ranges *written* so."""
    ends = (pair.split("-") for pair in ranges.split())
    return "".join("-".join(written.format(int(end, 16)) for end in pair) for pair in ends)


_IN_PYTHON = _class_of(FORMATS, r"\U{:08x}")
_FORMAT = re.compile(f"[{_IN_PYTHON}]")
_UNSEEN = re.compile(rf"[{_IN_PYTHON}\s]+")
_IN_ARROW = _class_of(FORMATS, r"\x{{{:x}}}")
_FORMAT_IN_ARROW = f"[{_IN_ARROW}]"
_UNSEEN_IN_ARROW = rf"\A[{_IN_ARROW}{''.join(f'{chr(92)}x{{{ord(c):x}}}' for c in SPACES)}]+\z"


def clean(text: str) -> str:
    """Return *text* as it is stored and compared: in NFC, without spaces of any kind at its ends."""
    return composed(text.strip())


def composed(text: str) -> str:
    """Return *text* in NFC: an accent and its letter are one character where Unicode has one."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def without_format(text: str) -> str:
    """Return *text* without its format characters."""
    return text if text.isascii() else _FORMAT.sub("", text)


def is_unseen(text: str) -> bool:
    """Tell whether *text* holds characters beyond ASCII, and a reader sees none of them."""
    return not text.isascii() and _UNSEEN.fullmatch(text) is not None


def visible(text: str) -> str:
    """Return *text* with what a reader would not see written out, such as ``<U+00A0>``; control characters stay."""
    return text if text.isascii() else "".join(f"<U+{ord(c):04X}>" if _is_unseen(c) else c for c in text)


def _is_unseen(character: str) -> bool:
    if character.isprintable():
        return _FORMAT.match(character) is not None
    return unicodedata.category(character) != "Cc"


def cleaned(texts: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Return the *texts* of a column, each as :func:`clean` has it, and which are :func:`is_unseen` (None: no text).

    A column of plain ASCII, which nearly all are, is only trimmed.
    """
    if _is_ascii(texts):
        return pc.ascii_trim(texts, ASCII_SPACES), None
    texts = pc.utf8_normalize(pc.utf8_trim(texts, SPACES), "NFC")
    unseen = pc.match_substring_regex(texts, _UNSEEN_IN_ARROW)
    return texts, unseen if pc.any(unseen).as_py() else None


def without_marks(texts: pa.Array) -> pa.Array:
    """Return the first cells of rows without the byte order mark of a file that was put behind another one.

    Before a quote it hides that the quote opens a cell, so that the quotes go, too.
    """
    if _is_ascii(texts) or not pc.any(pc.starts_with(texts, BOM)).as_py():
        return texts
    return pc.replace_substring_regex(texts, rf'(?s)\A{BOM}+(?:"(.+)"|(.+))\z', r"\1\2")


def formats_removed(texts: pa.Array) -> pa.Array:
    """Return the *texts* of a column, each as :func:`without_format` has it."""
    return texts if _is_ascii(texts) else pc.replace_substring_regex(texts, _FORMAT_IN_ARROW, "")


def _is_ascii(texts: pa.Array) -> bool:
    """Tell whether no byte of the texts is above 127: a look at all bytes at once, whatever rows they are in."""
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return True
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    octets = np.frombuffer(data, np.uint8, int(ends[-1] - ends[0]), int(ends[0]))
    return not len(octets) or int(octets.max()) < 128
