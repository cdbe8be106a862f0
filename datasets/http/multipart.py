"""Multipart forms: every part that is sent is one that Django reads, and the form has its closing boundary.

Django's parser passes over a part whose headers it cannot read, and takes the end of the body for the end of the form.
"""

import codecs
import re
from urllib.parse import unquote

from django.http.multipartparser import (
    FIELD,
    FILE,
    MAX_TOTAL_HEADER_SIZE,
    RAW,
    LazyStream,
    MultiPartParser,
    MultiPartParserError,
    parse_boundary_stream,
)
from django.utils.encoding import force_str
from django.utils.http import parse_header_parameters

ENCODINGS = ("binary", "8bit", "7bit", "base64")
BEFORE, HEADERS, CONTENT, AFTER = range(4)
OPTION = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:(")((?:[^"\\]|\\.)*)"|([^;]*))')
QUOTED_PAIR = re.compile(r"\\(.)")
BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart form; None for a body of another kind. Raises MultiPartParserError."""
    if not content_type.lower().startswith("multipart/"):
        return None
    options = parse_header_parameters(content_type)[1]
    boundary = options.get("boundary")
    if not boundary or not MultiPartParser.boundary_re.fullmatch(boundary):
        raise MultiPartParserError("Content-Type must have a boundary of 1 to 201 printable ASCII characters.")
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise MultiPartParserError("its texts must be in UTF-8, and Content-Type names another charset.")
    return boundary.encode("ascii")


class FormScanner:
    """Reads the bytes of a form beside Django's parser; raises MultiPartParserError for what that would pass over."""

    def __init__(self, boundary: bytes):
        self._mark = b"--" + boundary
        self._held = b""
        self._state = BEFORE
        self._passed = 0  # bytes of this state that are not held any more
        self._has_no_file = False  # a file field that was left empty
        self._text: codecs.IncrementalDecoder | None = None  # of a field that is no file
        self._field = ""
        self.parts = 0

    def feed(self, data: bytes) -> None:
        """Read the next bytes."""
        self._held += data
        while self._read_headers() if self._state == HEADERS else self._find_mark():
            pass

    def finish(self) -> None:
        """Raise MultiPartParserError where the form did not end."""
        if self._state == AFTER:
            self._expect_nothing(self._held)
        else:
            last = f"part {self.parts}" if self.parts else "the first part"
            raise MultiPartParserError(f"the form ends in {last}, before its closing boundary. Send it again.")

    def _find_mark(self) -> bool:
        at = self._held.find(self._mark)
        if at < 0 or len(self._held) < at + len(self._mark) + 2:
            # Kept: what may be the beginning of a mark, and the end of a line before it.
            gone = max(0, (len(self._held) if at < 0 else at) - len(self._mark) - 1)
            self._leave(gone)
            return False
        content, rest = self._held[:at], self._held[at + len(self._mark) :]
        begins_line = content.endswith(b"\r\n") or (self._passed == 0 and not content)
        if (
            self._state == AFTER
            or not begins_line
            or rest[:1] not in b"-\r \t"
            or (rest[:1] == b"-" and rest[1:2] != b"-")
        ):
            raise MultiPartParserError(
                f"the boundary is also inside part {self.parts or 1}, or after the end. Send the form with another one."
            )
        if self._state == BEFORE:
            self._expect_nothing(content)
        self._expect_text(content, final=True)
        if self._has_no_file and self._passed + len(content) > 2:
            raise MultiPartParserError(f"part {self.parts} has content, and a file name that is empty.")
        self._held, self._passed, self._has_no_file = rest, 0, False
        if rest[:2] == b"--":
            self._held, self._state = rest[2:], AFTER
        else:
            self._state, self.parts = HEADERS, self.parts + 1
        return True

    def _read_headers(self) -> bool:
        end = self._held.find(b"\r\n\r\n")
        block = self._held if end < 0 else self._held[:end]
        if self._mark in block or len(block) > MAX_TOTAL_HEADER_SIZE:
            raise MultiPartParserError(f"part {self.parts} has headers without an end.")
        if end < 0:
            return False
        self._judge(block)
        self._held, self._passed, self._state = self._held[end + 4 :], 0, CONTENT
        return True

    def _judge(self, block: bytes) -> None:
        """Raise MultiPartParserError for a part that Django would pass over, as it reads headers itself."""
        if why := _unclear(block):
            raise MultiPartParserError(f"part {self.parts} cannot be used: {why}.")
        kind, headers, _ = parse_boundary_stream(LazyStream(iter([block + b"\r\n\r\n"])), MAX_TOTAL_HEADER_SIZE)
        disposition, options = headers.get("content-disposition", ("", {}))[:2]
        name = options.get("filename")
        file_name = MultiPartParser.sanitize_file_name(None, force_str(name, errors="replace")) if name else None
        is_form_data = disposition.strip().lower() == "form-data"
        if kind == RAW or not is_form_data or "name" not in options or (kind == FILE and not (file_name or "").strip()):
            lines = [line for line in block.split(b"\r\n") if line.lower().startswith(b"content-disposition")]
            shown = (lines or [b"no Content-Disposition"])[0].decode("ascii", "backslashreplace")[:200]
            raise MultiPartParserError(
                f"part {self.parts} cannot be used ({shown}). Expected Content-Disposition: form-data with a name, and "
                "for a file a file name, both in UTF-8."
            )
        encoding = headers.get("content-transfer-encoding", ("binary", {}))[0].strip()
        if encoding not in ENCODINGS:
            raise MultiPartParserError(
                f"part {self.parts} has an unknown Content-Transfer-Encoding. Expected one of {', '.join(ENCODINGS)}."
            )
        self._has_no_file = name == b""
        if kind == FIELD:
            self._field = force_str(options["name"], errors="backslashreplace")[:100]
            self._text = codecs.getincrementaldecoder("utf-8")()
            if encoding == "base64":
                raise MultiPartParserError(f"the field {self._field} is a text in base64. Send it as it is, in UTF-8.")

    def _leave(self, count: int) -> None:
        if self._state in (BEFORE, AFTER):
            self._expect_nothing(self._held[:count])
        else:
            self._expect_text(self._held[:count])
        self._held, self._passed = self._held[count:], self._passed + count

    def _expect_text(self, content: bytes, final: bool = False) -> None:
        if self._text is None:
            return
        try:
            self._text.decode(content, final)
        except UnicodeDecodeError as error:
            raise MultiPartParserError(not_utf8(self._field, error)) from None
        if final:
            self._text = None

    def _expect_nothing(self, content: bytes) -> None:
        if content.strip(b" \t\r\n"):
            raise MultiPartParserError("there is content outside the parts of the form.")


def not_utf8(field: str, error: UnicodeDecodeError) -> str:
    """Return a sentence about the value of *field*, which cannot be read."""
    return f"the field {field} has the byte 0x{error.object[error.start]:02X}, which is not UTF-8. Send it in UTF-8."


def _unclear(block: bytes) -> str:
    """Return what is wrong with a part whose headers give it two names, or one that is not UTF-8; else nothing."""
    lines = [line.decode("utf-8", "surrogateescape") for line in block.split(b"\r\n")]
    names = [line.partition(":")[0].strip().lower() for line in lines]
    if any(line[:1] in (" ", "\t") for line in lines):
        return "a header goes on in the next line, which is not read"
    for header in ("content-disposition", "content-transfer-encoding"):
        if names.count(header) > 1:
            return f"its header {header} comes twice"
    if "content-disposition" not in names:
        return ""
    line = lines[names.index("content-disposition")]
    found: dict[str, str] = {}
    for option, value in _options(line):
        if option in found:
            return f"{option}= comes twice in {_shown(line)}"
        found[option] = value
        if option.startswith("name*") or (option.startswith("filename*") and option != "filename*"):
            return f"{option}= is not read. Expected name= and filename= ({_shown(line)})"
    if "filename*" in found:
        charset, *rest = found["filename*"].split("'")
        name = _percent_decoded(rest[1]) if len(rest) == 2 and charset.lower() in ("utf-8", "utf8") else None
        if name is None:
            return f"filename*= must have a name in UTF-8, as UTF-8''na%C3%AFve.csv ({_shown(line)})"
        if "filename" in found and found["filename"] != name:
            return f"filename= and filename*= have two names ({_shown(line)})"
    return ""


def _options(line: str) -> list[tuple[str, str]]:
    """Return the options of a header as they are written, each with its value without quotes."""
    return [
        (option.lower(), QUOTED_PAIR.sub(r"\1", quoted) if is_quoted else plain.strip())
        for option, is_quoted, quoted, plain in OPTION.findall(line.partition(":")[2])
    ]


def _percent_decoded(text: str) -> str | None:
    """Return *text* with the characters that it has in percent signs; None where these are not UTF-8."""
    try:
        return None if BAD_PERCENT.search(text) else unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None


def _shown(line: str) -> str:
    return line.encode("utf-8", "surrogateescape").decode("ascii", "backslashreplace")[:200]
