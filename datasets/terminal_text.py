"""Escape control characters and unencodable characters for terminals."""

import re

# Control characters, direction marks, line separators, and surrogates for bytes that are not UTF-8.
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NAMES = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def escaped(text: str, keep: str = "") -> str:
    """Return *text* with unsafe characters, except those in *keep*, replaced with escapes such as ``\\x1b``."""
    return text if text.isprintable() else _ODD.sub(lambda odd: odd[0] if odd[0] in keep else _written(odd[0]), text)


def escaped_json(text: str) -> str:
    """Return JSON with the unsafe characters in its strings as JSON escapes. Line breaks between values are kept."""
    if text.isprintable():
        return text
    return _ODD.sub(lambda odd: odd[0] if odd[0] in "\n\r\t" else f"\\u{ord(odd[0]):04x}", text)


def is_utf8(text: str) -> bool:
    """Return whether *text* can be encoded as UTF-8. This is false for arguments and file names with invalid bytes."""
    return re.search("[\ud800-\udfff]", text) is None


def _written(odd: str) -> str:
    code = ord(odd)
    if 0xDC80 <= code <= 0xDCFF:  # Python's surrogate for a byte that is not UTF-8
        code -= 0xDC00
    return _NAMES.get(odd) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
