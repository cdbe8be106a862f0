"""The flat files of packages, and why some are left out."""

import json
from collections.abc import Iterator
from pathlib import Path

LEAST_ROWS, MOST_BYTES = 10, 20 << 20
# Files of these packages that are not flat tables, or not separated by a comma, a semicolon or a tab.
OF_TESTS = "a result that the package's own tests expect"
SPACES = "separated by spaces"


def flat_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each CSV and JSON file below *folder*, with the reason why it is left out, or ""."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".csv", ".json") and path.name != "package.json" and path.is_file():
            yield path, OF_TESTS if "tests" in path.relative_to(folder).parts else _why_not(path)


def _why_not(path: Path) -> str:
    if path.stat().st_size > MOST_BYTES:
        return "more than 20 MB"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return "not UTF-8"
    return _why_not_json(text) if path.suffix == ".json" else _why_not_csv(text)


def _why_not_json(text: str) -> str:
    value = json.loads(text)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return "not an array of objects"
    return "" if len(value) > LEAST_ROWS else "10 rows or fewer"


def _why_not_csv(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) - 1 <= LEAST_ROWS:
        return "10 rows or fewer"
    if not any(delimiter in lines[0] for delimiter in ",;\t") and " " in lines[0].strip():
        return SPACES
    return ""
