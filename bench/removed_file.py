"""Benchmark of removing one of many files of a large table: its records are deleted in one run, which can be undone.

Imports --rows respondents (20,000,000 on PostgreSQL and 2,000,000 on SQLite) as files of a tenth of them each, and
then a new version of one file that has a single row, with --delete-missing. Undoes and redoes that run. Times are those
of whole processes, and the size is that of the database on PostgreSQL.
"""

from pathlib import Path

from measuring import Figure, Site, arguments, generate, log, on_each_engine

FILES, REMOVED = 10, 4  # the number of files, and the one that is removed
ROWS = {"PostgreSQL": 20_000_000, "SQLite": 2_000_000}
STATE = """
from django.db import connection
from census.models import Respondent
from imports.models import Change, ImportRun
size = 0
if connection.vendor == "postgresql":
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
run = ImportRun.objects.filter(status="applied").first()
print(run.pk, Respondent.objects.count(), Change.objects.filter(run=run, kind=Change.Kind.DELETED).count(), size)
"""


def state(site: Site) -> tuple[int, int, int, int]:
    """Return the last applied run, the number of records, the number of records that it deleted, and the size."""
    run, records, deleted, size = map(int, site.ask(STATE).split()[-4:])
    return run, records, deleted, size


def measure(site: Site, folder: Path, rows: int) -> list[Figure]:
    """Return the figures of one engine, with its own number of *rows* if this is 0."""
    rows = rows or ROWS[site.name]
    of_file = rows // FILES
    site.manage("migrate", "-v", "0")
    imported = []
    for number in range(FILES):
        log(f"{site.name}: file {number + 1} of {FILES}")
        made = generate(folder / f"{site.name}-{number}", "census", of_file, "--seed", str(number + 1))
        file = made.rename(made.with_name(f"adult_{number}.data"))
        imported.append(site.manage("import_census", str(file), "--no-refresh").seconds)
        if number == REMOVED:
            first = file.read_bytes().partition(b"\n")[0] + b"\n"
            log(f"{site.name}: {file.stat().st_size / of_file:.0f} bytes a row")
        file.unlink()
    site.manage("worker", "--batch")  # refreshes the summary tables and vacuums
    _, before, _, size = state(site)

    log(f"{site.name}: removing one file")
    file = folder / f"adult_{REMOVED}.data"
    file.write_bytes(first)
    removed = site.manage("import_census", str(file), "--delete-missing", "--delete-most", "--no-refresh").seconds
    run, after, deleted, larger = state(site)
    log(f"{site.name}: {before - after:,} records fewer, {deleted:,} in the history; undoing and redoing")
    undone = site.manage("undo_import", str(run)).seconds
    _, again, _, _ = state(site)
    redone = site.manage("redo_import", str(run)).seconds
    assert again == before and before - after == deleted, (before, after, deleted, again)
    return [
        Figure(f"{site.name}: import of the last {of_file:,} of {rows:,} rows", imported[-1], "s"),
        Figure(f"{site.name}: the same as a multiple of the first {of_file:,}", imported[-1] / imported[0], "×"),
        Figure(f"{site.name}: removing {deleted:,} of {before:,} records", removed, "s"),
        Figure(f"{site.name}: the same as a multiple of their import", removed / imported[-1], "×", 3),
        Figure(f"{site.name}: undoing that", undone, "s"),
        Figure(f"{site.name}: redoing that", redone, "s"),
        Figure(f"{site.name}: size of the database before", size / 1e9, "GB"),
        Figure(f"{site.name}: size that the run added", (larger - size) / 1e9, "GB"),
    ]


def main() -> int:
    parser = arguments(__doc__)
    parser.set_defaults(rows=0)
    return on_each_engine(parser, measure)


if __name__ == "__main__":
    raise SystemExit(main())
