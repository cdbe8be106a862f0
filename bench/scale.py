"""Benchmark of small work in a large table, as a multiple of the same work in a table of 10,000 respondents.

Imports --rows respondents and a quarter of them (by default 10,000,000 on PostgreSQL and 3,000,000 on SQLite) into one
database, and 10,000 into another, and lets the worker vacuum the tables. The two take turns: in each, it corrects and
undoes records, imports files of 1,000 rows, and loads pages. These are measured in one process without its start, and
imports to the commit: with --cpu by their processor time, which depends less on other programs. The command of an
import is measured to its exit after the refresh of the summary tables. The memory of an import is compared with that of
a quarter of the rows. On PostgreSQL, pages are also loaded during an import of a quarter of the rows.
"""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from measuring import MANAGE, ROOT, Figure, Site, Timed, arguments, generate, log, on_each_engine

FEW, SMALL = 10_000, 1_000
FILES_OF_FEW = (2_000, 8_000)  # rows; the larger table has two files as well
TURNS = 3
MILLION = 1_000_000  # with fewer rows, the memory of two imports differs more by chance
ROWS = {"PostgreSQL": 10 * MILLION, "SQLite": 3 * MILLION}
# An edit of records holds SQLite's write lock.
MOST_MILLISECONDS = {
    "correct 1,000 records": 1_000,
    "undo 1,000 corrections": 500,
    "import 1,000 rows to the commit": 2_500,
    "count=exact": 800,
}
MULTIPLES = {
    "correct 1 record": 2,
    "undo 1,000 corrections": 2,
    "import 1,000 rows to the commit": 1.5,
    "first page in the admin": 1.3,
    "first page with facets": 1.3,
    "first page of the table": 1.3,
    "search": 1.3,
    "page of the API": 1.3,
}
# The HTML of these pages; charts, exact counts and profiles are parts, which the browser loads after it.
PAGES = (
    "dashboard",
    "page of the dataset",
    "first page in the admin",
    "first page with facets",
    "page of a record",
    "page of a run",
    "page of a preview",
    "first page of the table",
    "search",
    "Chart tab",
)
PAGE_MILLISECONDS = 150
LIST = "admin list, "


class Measured:
    """The figures of one database: the least milliseconds of each action, and the least seconds of a command."""

    def __init__(self, site: Site, folder: Path, clock: str):
        self.site, self.folder, self.clock = site, folder, clock
        self.times: dict[str, float] = {}
        self.exit = float("inf")
        site.manage("worker", "--batch")  # refreshes the summary tables and vacuums
        site.manage("import_census", str(self._small("preview")), "--dry-run")

    def _small(self, name: str) -> Path:
        file = generate(self.folder / f"{self.site.name}-{name}", "census", SMALL, "--seed", str(sum(name.encode())))
        return file.rename(self.folder / f"adult_{self.site.name}_{name}.data")

    def take_turn(self, turn: int) -> None:
        code = (ROOT / "bench/small_work.py").read_text()
        file = str(self._small(f"turn {turn}"))
        times = json.loads(self.site.ask(code, CLOCK=self.clock, FILE=file).splitlines()[-1])
        self.times = {name: min(time, self.times.get(name, time)) for name, time in times.items()}
        self.exit = min(self.exit, self.site.manage("import_census", str(self._small(f"exit {turn}"))).seconds)

    @property
    def slowest_list(self) -> float:
        return max(time for name, time in self.times.items() if name.startswith(LIST))


def measure(site: Site, folder: Path, rows: int, *, clock: str) -> list[Figure]:
    """Return the figures of one engine, with its own number of *rows* if this is 0."""
    rows = rows or ROWS[site.name]
    few_site = site.beside()
    for each in (few_site, site):
        each.manage("migrate", "-v", "0")
    for seed, part in enumerate(FILES_OF_FEW, 1):
        _unchanged(few_site, folder, part, seed)
    quarter, again = (_unchanged(site, folder, part, seed) for seed, part in enumerate((rows // 4, rows), 3))
    few, many = Measured(few_site, folder, clock), Measured(site, folder, clock)
    for turn in range(TURNS):
        log(f"{site.name}: turn {turn + 1} of {TURNS}")
        few.take_turn(turn)
        many.take_turn(turn)
    return [
        *_figures(site, few, many, rows),
        Figure(f"{site.name}: unchanged import of {rows:,} rows", again.seconds, "s"),
        *_memory(site, quarter, again, rows),
        *(_readers(site, folder, rows // 4) if site.name == "PostgreSQL" else ()),
    ]


def _unchanged(site: Site, folder: Path, rows: int, seed: int) -> Timed:
    """Import a file of *rows* rows three times, and return the second or third import, the one with the lower memory.

    Each file has its own *seed*, because the import refuses a new name for the rows of another file.
    """
    log(f"{site.name}: {rows:,} rows")
    file = _generated(site, folder, rows, seed)
    site.manage("import_census", str(file))
    again = [site.manage("import_census", str(file), "--no-refresh") for _ in range(2)]
    file.unlink()
    return min(again, key=lambda timed: timed.megabytes)


def _generated(site: Site, folder: Path, rows: int, seed: int) -> Path:
    file = generate(folder / f"{site.name}-{seed}", "census", rows, "--seed", str(seed))
    return file.rename(file.with_name(f"adult_{seed}.data"))


def _figures(site: Site, few: Measured, many: Measured, rows: int) -> Iterator[Figure]:
    for name, time in many.times.items():
        if not name.startswith(LIST):
            bar = PAGE_MILLISECONDS if name in PAGES else MOST_MILLISECONDS.get(name)
            multiple = time / few.times[name]
            yield Figure(f"{site.name}: {name}, in {rows:,}", time, "ms", bar)
            yield Figure(f"{site.name}: {name}, as a multiple of {FEW:,}", multiple, "×", MULTIPLES.get(name))
    most = PAGE_MILLISECONDS if rows <= MILLION else 1_000
    yield Figure(f"{site.name}: admin list in any order not marked as slow", many.slowest_list, "ms", most)
    yield Figure(f"{site.name}: command that imports {SMALL:,} rows, to the exit", many.exit, "s")


def _memory(site: Site, quarter: Timed, again: Timed, rows: int) -> Iterator[Figure]:
    yield Figure(f"{site.name}: its peak memory", again.megabytes, "MB", 500)
    if rows >= MILLION:
        more = (again.megabytes - quarter.megabytes) / (rows - rows // 4) * MILLION
        yield Figure(f"{site.name}: its peak memory for each million rows more", more, "MB", 17)


def _readers(site: Site, folder: Path, rows: int) -> Iterator[Figure]:
    """Measure pages while a file of *rows* new rows is imported."""
    log(f"{site.name}: pages during an import of {rows:,} rows")
    command = [*MANAGE, "import_census", str(_generated(site, folder, rows, seed=5)), "--no-refresh"]
    code = (ROOT / "bench/reading_during_import.py").read_text()
    times = json.loads(site.ask(code, IMPORT=shlex.join(command)).splitlines()[-1])
    yield Figure(f"{site.name}: three pages", times["alone"], "ms")
    yield Figure(f"{site.name}: the same during an import, as a multiple", times["during"] / times["alone"], "×", 1.5)


def main() -> int:
    parser = arguments(__doc__)
    parser.set_defaults(rows=0, clock="wall")
    parser.add_argument("--cpu", dest="clock", action="store_const", const="cpu", help="measure processor time")
    return on_each_engine(parser, measure, "clock")


if __name__ == "__main__":
    raise SystemExit(main())
