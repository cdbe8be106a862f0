"""Benchmark of imports against the databases' own loaders.

Imports a million census rows (or --rows) into the normalized, constrained, indexed tables: new, unchanged, and with a
tenth of them changed. In the same run, psql \\copy and sqlite3 .import load that file into a flat table with a primary
key. Times are those of whole processes including their start; each is the best of --repeat. An import has two times: to
the commit, after which it prints its report, and to the exit, after the refresh of the summary tables.
"""

import shutil
import tempfile
from pathlib import Path

from measuring import Figure, Site, Timed, arguments, best, generate, log, postgres, psql, show, timed

COLUMNS = (
    "age integer, workclass text, fnlwgt integer, education text, education_num integer, marital_status text,"
    " occupation text, relationship text, race text, sex text, capital_gain integer, capital_loss integer,"
    " hours_per_week integer, native_country text, income text"
)
NAMES = COLUMNS.replace(" integer", "").replace(" text", "")
NAMED = {"fresh": "first", "again": "unchanged", "changed": "a tenth changed"}  # the imports of a turn
# The limits of the times to the exit, as multiples, on an idle machine.
BARS = {"\\copy": {"fresh": 2.2, "again": 1.1, "changed": 2.5}, ".import": {"fresh": 2.2, "again": 0.9, "changed": 1.8}}


def copied(address: str, file: Path) -> Timed:
    """Time psql's \\copy into a flat table with a primary key."""
    timed(
        [
            psql(),
            "-q",
            address,
            "-c",
            f"DROP TABLE IF EXISTS flat; CREATE TABLE flat (id bigserial PRIMARY KEY, {COLUMNS})",
        ]
    )
    return timed([psql(), "-q", address, "-c", f"\\copy flat ({NAMES}) FROM '{file}' (FORMAT csv)"])


def imported_by_sqlite(folder: Path, file: Path) -> Timed:
    """Time sqlite3's .import into a flat table; it needs as many cells as columns, so the key is the rowid."""
    database = folder / "flat.sqlite3"
    database.unlink(missing_ok=True)
    script = f"PRAGMA journal_mode=WAL;\nCREATE TABLE flat ({COLUMNS});\n.mode csv\n.import {file} flat\n"
    return timed(["sqlite3", str(database)], stdin=script)


def measure(
    site: Site, limit_name: str, limit, bars: dict[str, float], files: dict[str, Path], repeat: int
) -> list[Figure]:
    """Return the figures of one engine; *limit* times the database's own loader."""
    times: dict[str, list[Timed]] = {"limit": [], "fresh": [], "again": [], "changed": []}
    site.manage("migrate", "-v", "0")
    for turn in range(repeat):
        log(f"{site.name}, turn {turn + 1} of {repeat}")
        times["limit"].append(limit())
        site.start_anew()
        times["fresh"].append(site.manage("import_census", str(files["first"])))
        times["again"].append(site.manage("import_census", str(files["first"])))
        times["changed"].append(site.manage("import_census", str(files["changed"])))
    least = {name: best(each) for name, each in times.items()}
    of = least["limit"].seconds
    to_commit = {name: min(time.to_output for time in times[name]) for name in NAMED}
    return [
        Figure(f"{limit_name}", of, "s"),
        *(Figure(f"{site.name}: {named}, to the commit", to_commit[name], "s") for name, named in NAMED.items()),
        *(Figure(f"{site.name}: {named}, to the exit", least[name].seconds, "s") for name, named in NAMED.items()),
        *(
            Figure(f"{site.name}: {named}, to the commit, as a multiple of {limit_name}", to_commit[name] / of, "×")
            for name, named in NAMED.items()
        ),
        *(
            Figure(
                f"{site.name}: {named}, to the exit, as a multiple of {limit_name}",
                least[name].seconds / of,
                "×",
                bars.get(name),
            )
            for name, named in NAMED.items()
        ),
        Figure(f"{site.name}: peak memory", max(time.megabytes for name in NAMED for time in times[name]), "MB", 500),
    ]


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--repeat", type=int, default=3, help="number of measurements; the best one counts")
    parser.add_argument("--engine", choices=["postgresql", "sqlite"], help="measure only this engine")
    options = parser.parse_args()
    figures: list[Figure] = []
    # Not in a private folder such as /root: the embedded server runs as another user.
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as name:
        folder = Path(name)
        log(f"Making {options.rows:,} rows")
        for part in ("first", "changed"):
            (folder / part).mkdir()
        files = {
            "first": generate(folder / "first", "census", options.rows),
            "changed": generate(folder / "changed", "census", options.rows, "--change-share", "0.1"),
        }
        if options.engine != "sqlite":
            (folder / "postgres").mkdir()
            with postgres(folder / "postgres") as (superuser, plain):
                site = Site("PostgreSQL", plain, folder)
                figures += measure(
                    site, "\\copy", lambda: copied(superuser, files["first"]), BARS["\\copy"], files, options.repeat
                )
        if options.engine != "postgresql":
            if not shutil.which("sqlite3"):
                raise SystemExit("The comparison needs sqlite3. Type: apt-get install sqlite3")
            site = Site("SQLite", f"sqlite:///{folder}/site.sqlite3", folder)
            limit = lambda: imported_by_sqlite(folder, files["first"])  # noqa: E731
            figures += measure(site, ".import", limit, BARS[".import"], files, options.repeat)
    return show(figures, as_json=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
