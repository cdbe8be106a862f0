"""Validate multipart forms: Django must be able to parse every part, and the form must have its closing boundary.

Django's parser silently skips a part with unreadable headers, and treats the end of the body as the end of the form.
"""

import codecs
import re
from io import BytesIO
from urllib.parse import unquote

from django.http.multipartparser import (  # type: ignore[attr-defined]  # the stubs lack two of these
    FIELD,
    FILE,
    MAX_TOTAL_HEADER_SIZE,
    RAW,
    ChunkIter,
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
    """Return the boundary of a multipart form, or None for any other body. Raises MultiPartParserError."""
    if not content_type.lower().startswith("multipart/"):
        return None
    options = parse_header_parameters(content_type)[1]
    boundary = options.get("boundary")
    if not boundary or not MultiPartParser.boundary_re.fullmatch(boundary):
        raise MultiPartParserError("Content-Type must have a boundary of 1 to 201 printable ASCII characters.")
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise MultiPartParserError("text fields must be in UTF-8, but Content-Type names another charset.")
    return boundary.encode("ascii")


class FormScanner:
    """Scans the bytes of a form before Django parses them.

    Raises MultiPartParserError for parts that Django would skip.
    """

    def __init__(self, boundary: bytes):
        self._mark = b"--" + boundary
        self._held = b""
        self._state = BEFORE
        self._passed = 0  # bytes of the current state that are no longer in the buffer
        self._has_no_file = False  # an empty file field
        self._text: codecs.IncrementalDecoder | None = None  # for a text field
        self._field = ""
        self.parts = 0

    def feed(self, data: bytes) -> None:
        """Scan the next bytes."""
        self._held += data
        while self._read_headers() if self._state == HEADERS else self._find_mark():
            pass

    def finish(self) -> None:
        """Raise MultiPartParserError if the form is incomplete."""
        if self._state == AFTER:
            self._expect_nothing(self._held)
        else:
            last = f"part {self.parts}" if self.parts else "the first part"
            raise MultiPartParserError(f"the form ends in {last}, before its closing boundary. Send it again.")

    def _find_mark(self) -> bool:
        at = self._held.find(self._mark)
        if at < 0 or len(self._held) < at + len(self._mark) + 2:
            # Keep the last bytes, which may be the line break before a boundary and the beginning of the boundary.
            count = max(0, (len(self._held) if at < 0 else at) - len(self._mark) - 1)
            self._leave(count)
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
                f"the boundary also occurs in part {self.parts or 1}, or after the end. Use another boundary."
            )
        if self._state == BEFORE:
            self._expect_nothing(content)
        self._expect_text(content, final=True)
        if self._has_no_file and self._passed + len(content) > 2:
            raise MultiPartParserError(f"part {self.parts} has content, but its file name is empty.")
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
            raise MultiPartParserError(f"the headers of part {self.parts} have no end.")
        if end < 0:
            return False
        self._judge(block)
        self._held, self._passed, self._state = self._held[end + 4 :], 0, CONTENT
        return True

    def _judge(self, block: bytes) -> None:
        """Raise MultiPartParserError for a part that Django would skip, based on Django's own header parser."""
        if reason := _unclear(block):
            raise MultiPartParserError(f"part {self.parts} is not valid: {reason}.")
        stream = LazyStream(ChunkIter(BytesIO(block + b"\r\n\r\n")))
        kind, headers, _ = parse_boundary_stream(stream, MAX_TOTAL_HEADER_SIZE)
        disposition, options = headers.get("content-disposition", ("", {}))[:2]
        name = options.get("filename")
        file_name = _sanitized(force_str(name, errors="replace")) if name else None
        is_form_data = disposition.strip().lower() == "form-data"
        if kind == RAW or not is_form_data or "name" not in options or (kind == FILE and not (file_name or "").strip()):
            lines = [line for line in block.split(b"\r\n") if line.lower().startswith(b"content-disposition")]
            shown = (lines or [b"no Content-Disposition"])[0].decode("ascii", "backslashreplace")[:200]
            raise MultiPartParserError(
                f"part {self.parts} is not valid ({shown}). Expected Content-Disposition: form-data with a name, and "
                "for a file with a file name, both in UTF-8."
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
                raise MultiPartParserError(f"the field {self._field} is encoded in base64. Send plain UTF-8.")

    def _leave(self, count: int) -> None:
        if self._state in (BEFORE, AFTER):
            self._expect_nothing(self._held[:count])
        else:
            self._expect_text(self._held[:count])
        self._held, self._passed = self._held[count:], self._passed + count

    def _expect_text(self, content: bytes, *, final: bool = False) -> None:
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
            raise MultiPartParserError("the form has content outside its parts.")


def not_utf8(field: str, error: UnicodeDecodeError) -> str:
    """Return the error message for a value of *field* that is not UTF-8."""
    byte = f"0x{error.object[error.start]:02X}"
    return f"the field {field} contains the byte {byte}, which is not valid UTF-8. Send it in UTF-8."


def _unclear(block: bytes) -> str:
    """Return the problem of a part with two names or with a name that is not UTF-8, or an empty string."""
    lines = [line.decode("utf-8", "surrogateescape") for line in block.split(b"\r\n")]
    names = [line.partition(":")[0].strip().lower() for line in lines]
    if any(line[:1] in (" ", "\t") for line in lines):
        return "a header continues on the next line, which is not supported"
    for header in ("content-disposition", "content-transfer-encoding"):
        if names.count(header) > 1:
            return f"its header {header} occurs twice"
    if "content-disposition" not in names:
        return ""
    line = lines[names.index("content-disposition")]
    options: dict[str, str] = {}
    for option, value in _options(line):
        if option in options:
            return f"{option}= occurs twice in {_shown(line)}"
        options[option] = value
        if option.startswith("name*") or (option.startswith("filename*") and option != "filename*"):
            return f"{option}= is not supported. Expected name= and filename= ({_shown(line)})"
    return _unclear_file_name(options, line) if "filename*" in options else ""


def _unclear_file_name(options: dict[str, str], line: str) -> str:
    charset, *rest = options["filename*"].split("'")
    name = _percent_decoded(rest[1]) if len(rest) == 2 and charset.lower() in ("utf-8", "utf8") else None
    if name is None:
        return f"filename*= must have a name in UTF-8, such as UTF-8''na%C3%AFve.csv ({_shown(line)})"
    if "filename" in options and options["filename"] != name:
        return f"filename= and filename*= have different names ({_shown(line)})"
    return ""


def _sanitized(file_name: str) -> str | None:
    """Return *file_name* as Django sanitizes it, or None if nothing remains."""
    parser = MultiPartParser.__new__(MultiPartParser)  # the method does not use the request
    return parser.sanitize_file_name(file_name)


def _options(line: str) -> list[tuple[str, str]]:
    """Return the parameters of a header as pairs of a name and an unquoted value."""
    return [
        (option.lower(), QUOTED_PAIR.sub(r"\1", quoted) if is_quoted else plain.strip())
        for option, is_quoted, quoted, plain in OPTION.findall(line.partition(":")[2])
    ]


def _percent_decoded(text: str) -> str | None:
    """Return *text* percent-decoded, or None if the result is not valid UTF-8."""
    try:
        return None if BAD_PERCENT.search(text) else unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None


def _shown(line: str) -> str:
    return line.encode("utf-8", "surrogateescape").decode("ascii", "backslashreplace")[:200]
