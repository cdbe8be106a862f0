"""Clean whole columns of text, with the same rules as :mod:`datasets.text`."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datasets.text import BOM, FORMATS, SPACES, ZERO_WIDTH, class_of

ASCII_SPACES = "".join(c for c in SPACES if c.isascii())
_IN_ARROW = class_of(FORMATS, r"\x{{{:x}}}")
_FORMAT_IN_ARROW = f"[{_IN_ARROW}]"
_UNSEEN_IN_ARROW = rf"\A[{_IN_ARROW}{''.join(f'{chr(92)}x{{{ord(c):x}}}' for c in SPACES)}]+\z"


def cleaned(texts: pa.Array) -> tuple[pa.Array, pa.Array | None]:
    """Return the *texts* of a column after ``clean``, and which of them are ``is_unseen`` (or None if none is).

    An ASCII column, which is the usual case, is only trimmed.
    """
    if _is_ascii(texts):
        return pc.ascii_trim(texts, ASCII_SPACES), None
    trimmed = pc.utf8_trim(texts, SPACES)
    unseen = pc.match_substring_regex(trimmed, _UNSEEN_IN_ARROW)
    texts = pc.utf8_trim(trimmed, SPACES + ZERO_WIDTH)
    if not pc.any(unseen).as_py():
        return pc.utf8_normalize(texts, "NFC"), None
    return pc.utf8_normalize(pc.if_else(unseen, trimmed, texts), "NFC"), unseen


def without_marks(texts: pa.Array) -> pa.Array:
    """Return the first cells of rows without byte order marks, which occur inside concatenated files.

    If a mark precedes an opening quote, the quote is not recognized as such, so the quotes are removed too.
    """
    if _is_ascii(texts) or not pc.any(pc.starts_with(texts, BOM)).as_py():
        return texts
    return pc.replace_substring_regex(texts, rf'(?s)\A{BOM}+(?:"(.+)"|(.+))\z', r"\1\2")


def formats_removed(texts: pa.Array) -> pa.Array:
    """Return the *texts* of a column after ``without_format``."""
    return texts if _is_ascii(texts) else pc.replace_substring_regex(texts, _FORMAT_IN_ARROW, "")


def _is_ascii(texts: pa.Array) -> bool:
    """Return whether all bytes of *texts* are below 128. All bytes of the column are checked at once."""
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return True
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1, texts.offset * 4)
    octets = np.frombuffer(data, np.uint8, int(ends[-1] - ends[0]), int(ends[0]))
    return not len(octets) or int(octets.max()) < 128
