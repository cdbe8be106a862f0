"""Helpers: import commands on real files, reports as plain values, and files in other formats."""

import csv
import io
import json
import random
import tempfile
from pathlib import Path

from django.core.management import call_command

from imports.models import SourceFile

SAMPLES = Path(__file__).resolve().parent.parent / "fixtures_src"


class Report(dict):
    """A report as written by --report, with shortcuts for tests."""

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Return the nonzero counts of each source."""
        return {entry["source"]: nonzero_counts(entry) for entry in self["sources"]}

    @property
    def problems(self) -> list[tuple]:
        """Each rejected row: source, line, and the column and value of each problem."""
        return [
            (r["source"], r["line"], *((p["column"], p["value"]) for p in r["problems"])) for r in self["rejections"]
        ]

    @property
    def rejected(self) -> list[tuple]:
        """Each rejected row: file, line, and the columns with a problem; None for the row as a whole."""
        return [(r["file"], r["line"], *(p["column"] for p in r["problems"])) for r in self["rejections"]]


def imported(command: str, *arguments: Path | str, **options) -> Report:
    """Run an import command with options such as strict=True; check the sums of its report and return it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        call_command(command, *map(str, arguments), report=path, verbosity=0, **options)
        report = Report(json.loads(path.read_text(encoding="utf-8")))
    for counted in [*report["sources"], *(file for source in report["sources"] for file in source["files"])]:
        assert counted["read"] == sum(counted[outcome] for outcome in SourceFile.OUTCOMES), counted
    assert sum(source["rejected"] for source in report["sources"]) == len(report["rejections"])
    return report


def nonzero_counts(entry: dict) -> dict[str, int]:
    """Return the nonzero counts of a source or a file."""
    return {name: entry[name] for name in SourceFile.COUNTS if entry[name]}


def table(path: Path) -> list[list[str]]:
    """Read the rows of a file independently of the product, without blank lines and blanks around cells."""
    rows = csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig")), skipinitialspace=True)
    return [[cell.strip() for cell in row] for row in rows if any(cell.strip() for cell in row)]


def written(rows: list[list[str]], delimiter: str = ",", end: str = "\n", *, bom: bool = False) -> bytes:
    """Return the bytes of a file of *rows*; the delimiter may have several characters."""
    quoted = ([f'"{c}"' if {",", ";", "\t"} & {*c} else c for c in row] for row in rows)
    return (("\ufeff" if bom else "") + "".join(delimiter.join(row) + end for row in quoted)).encode()


def turned(rows: list[list[str]], seed: int) -> list[list[str]]:
    """Return the rows with their columns in another order."""
    order = random.Random(seed).sample(range(len(rows[0])), len(rows[0]))
    return [[row[place] for place in order] for row in rows]


def respelled(rows: list[list[str]], blank: str, case) -> list[list[str]]:
    """Return the rows with *blank* instead of each ``_`` in the header, and with its letters changed by *case*."""
    return [[case(name.replace("_", blank)) for name in rows[0]], *rows[1:]]


# The formats in which users may save the same table, whose first row is the header.
CLOTHES = {
    "columns in another order": lambda rows: written(turned(rows, 1)),
    "capitals and hyphens": lambda rows: written(turned(respelled(rows, "-", str.upper), 2)),
    "dots": lambda rows: written(turned(respelled(rows, ".", str.title), 3)),
    "blanks in the header": lambda rows: written(respelled(rows, " ", str.capitalize)),
    "semicolons and a BOM": lambda rows: written(rows, ";", bom=True),
    "tabs and CRLF": lambda rows: written(rows, "\t", end="\r\n"),
    "comma and tab": lambda rows: b"\n" + written(turned(rows, 4), ",\t").rstrip(b"\n"),
    "everything at once": lambda rows: written(turned(respelled(rows, "-", str.swapcase), 5), ";", "\r\n", bom=True),
}
