"""Benchmark of small work in a large table, as a multiple of the same work in a table of 10,000 respondents.

Imports 10,000 respondents, and then --rows more (10,000,000 on PostgreSQL and 3,000,000 on SQLite), and lets the worker
vacuum the tables. With both sizes, it corrects and undoes records, loads pages, and imports a file of 1,000 rows. Edits
and pages are measured in one process without its start. Imports are measured to the commit, and to the exit of the
process after the refresh of the summary tables. The memory of an import is compared with that of a quarter of the rows.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from measuring import Figure, Site, Timed, arguments, generate, log, on_each_engine

FEW, SMALL = 10_000, 1_000
FOR_MEMORY = 1_000_000  # rows; with fewer, the memory of two imports differs more by chance
ROWS = {"PostgreSQL": 10_000_000, "SQLite": 3_000_000}
MOST_MILLISECONDS = {"correct 1,000 records": 1_000, "undo 1,000 corrections": 500, "count=exact": 800}
# Prints the best time of each action in milliseconds as JSON; an edit of records holds SQLite's write lock.
TIMES = """
import json, time
from django.contrib.auth import get_user_model
from django.db import connection
from django.contrib.admin import site
from django.test import Client, RequestFactory
from census.models import Respondent
from curation.history import edits
from curation.history.undo import undo_edit

times = {}

def timed(name, do, *arguments):
    start = time.perf_counter()
    result = do(*arguments)
    times.setdefault(name, []).append(time.perf_counter() - start)
    return result

keys = list(Respondent.objects.order_by("pk").values_list("pk", flat=True)[5_000:7_500])
for turn in range(20):
    record = Respondent.objects.filter(pk=keys[turn])
    edit = timed("correct 1 record", edits.correct, record, {"hours_per_week": 100 + turn}, None)
    timed("undo it", undo_edit, edit)
for turn in range(2):
    records = Respondent.objects.filter(pk__gte=keys[1_000 * turn], pk__lt=keys[1_000 * (turn + 1)])
    edit = timed("correct 1,000 records", edits.correct, records, {"hours_per_week": 99}, None)
    timed("undo 1,000 corrections", undo_edit, edit)

user, _ = get_user_model().objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
client = Client(HTTP_HOST="localhost")
client.force_login(user)

def get(name, address):
    for turn in range(4):
        answer = timed(name, client.get, address)
        b"".join(answer.streaming_content) if answer.streaming else None
        assert answer.status_code == 200, (address, answer.status_code)
    return answer

admin, table, api = "/admin/census/respondent/", "/explore/census/respondents/", "/api/census/respondents/"
get("first page in the admin", admin)
request = RequestFactory().get(admin)
request.user = user
changelist = site.get_model_admin(Respondent).get_changelist_instance(request)
slow = changelist.slow_columns
for index, name in enumerate(changelist.list_display):
    if name not in slow and changelist.get_ordering_field(name):
        get(f"admin list, {name}", f"{admin}?o={index}")
get("first page with facets", f"{admin}?sex=Female&_facets=True")
get("first page of the table", table)
get("search", f"{table}?search=Sales")
get("page of the API", f"{api}?page_size=100")
if connection.vendor == "postgresql":
    get("count=exact", f"{api}?page_size=1&count=exact")
print(json.dumps({name: min(each) * 1000 for name, each in times.items()}))
"""
LAST_RUN = """
from imports.models import ImportRun
run = ImportRun.objects.first()
print((run.finished_at - run.started_at).total_seconds())
"""


class Measured:
    """The figures of one size: times of edits and pages in milliseconds, and seconds of a small import and a list."""

    def __init__(self, site: Site, folder: Path, rows: int):
        site.manage("worker", "--batch")  # refreshes the summary tables and vacuums
        self.times: dict[str, float] = json.loads(site.ask(TIMES).splitlines()[-1])
        small = generate(folder / f"{site.name}-small", "census", SMALL, "--seed", str(rows))
        small = small.rename(folder / f"adult_beside_{rows}.data")
        self.exit = site.manage("import_census", str(small)).seconds
        self.commit = float(site.ask(LAST_RUN))
        lists = [time for name, time in self.times.items() if name.startswith("admin list, ")]
        self.slowest_list = max(lists) / 1000


def measure(site: Site, folder: Path, rows: int) -> list[Figure]:
    """Return the figures of one engine, with its own number of *rows* if this is 0."""
    rows = rows or ROWS[site.name]
    site.manage("migrate", "-v", "0")
    _unchanged(site, folder, FEW, seed=1)
    few = Measured(site, folder, FEW)
    quarter, again = _unchanged(site, folder, rows // 4, seed=2), _unchanged(site, folder, rows, seed=3)
    many = Measured(site, folder, rows)
    memory = []
    if rows >= FOR_MEMORY:
        more = (again.megabytes - quarter.megabytes) / (rows - rows // 4) * 1e6
        memory = [Figure(f"{site.name}: its peak memory for each million rows more", more, "MB", 17)]
    return [
        *_figures(site, few, many, rows),
        Figure(f"{site.name}: unchanged import of {rows:,} rows", again.seconds, "s"),
        Figure(f"{site.name}: its peak memory", again.megabytes, "MB", 500),
        *memory,
    ]


def _unchanged(site: Site, folder: Path, rows: int, *, seed: int) -> Timed:
    """Import a file of *rows* rows twice, and return the time and the memory of the second import.

    Each file has its own *seed*, because the import refuses a new name for the rows of another file.
    """
    log(f"{site.name}: {rows:,} rows")
    file = generate(folder / f"{site.name}-{seed}", "census", rows, "--seed", str(seed))
    file = file.rename(file.with_name(f"adult_{seed}.data"))
    site.manage("import_census", str(file))
    return site.manage("import_census", str(file), "--no-refresh")


def _figures(site: Site, few: Measured, many: Measured, rows: int) -> Iterable[Figure]:
    bars = {
        "correct 1 record": 2.0,
        "undo 1,000 corrections": 2.0,
        "first page in the admin": 1.3,
        "first page with facets": 1.3,
        "first page of the table": 1.3,
        "search": 1.3,
        "page of the API": 1.3,
    }
    for name, time in many.times.items():
        if not name.startswith("admin list, "):
            yield Figure(f"{site.name}: {name}, in {rows:,}", time, "ms", MOST_MILLISECONDS.get(name))
            yield Figure(f"{site.name}: {name}, as a multiple of {FEW:,}", time / few.times[name], "×", bars.get(name))
    yield Figure(f"{site.name}: admin list in any order not marked as slow", many.slowest_list, "s", 1)
    yield Figure(f"{site.name}: import of {SMALL:,} rows to the commit", many.commit, "s", 2.5)
    yield Figure(f"{site.name}: import to the commit, as a multiple of {FEW:,}", many.commit / few.commit, "×", 1.5)
    yield Figure(f"{site.name}: import of {SMALL:,} rows to the exit", many.exit, "s")


def main() -> int:
    parser = arguments(__doc__)
    parser.set_defaults(rows=0)
    return on_each_engine(parser, measure)


if __name__ == "__main__":
    raise SystemExit(main())
