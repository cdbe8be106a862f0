"""Benchmark of the query metrics: microseconds to count a query by table and verb, in a file as under gunicorn.

Runs the same query on an in-memory SQLite database with and without counting, in turns. Measures processor time, which
does not depend on other load on the machine.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count as numbers

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from measuring import ROOT, Figure, arguments, log, show

TURNS = 15


def microseconds(work: Callable[[], object], times: int) -> float:
    start = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - start) / times * 1e6


def best(work: Callable[[], object], times: int) -> float:
    return min(microseconds(work, times) for _ in range(TURNS))


def main() -> int:
    parser = arguments(__doc__)
    parser.set_defaults(rows=5_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as folder:
        os.environ |= {"DEBUG": "on", "DATABASE_URL": "sqlite://:memory:", "MEDIA_ROOT": folder, "ENV_FILE": ""}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PROMETHEUS_MULTIPROC_DIR": folder}
        sys.path.insert(0, str(ROOT))
        return show(measured(given.rows), as_json=given.json)


def measured(times: int) -> list[Figure]:
    django.setup()
    settings.DEBUG = False  # otherwise Django would store every query
    from monitoring import query_metrics  # noqa: PLC0415 - main() prepares the path and the environment

    call_command("migrate", verbosity=0)
    log(f"{TURNS} turns of {times:,} queries")
    statement = 'SELECT "versions"."number" FROM "versions" WHERE "versions"."name" = %s'
    three = 'SELECT 1 FROM "people" INNER JOIN "places" ON ("a" = "b") LEFT JOIN "source_files" ON ("c" = "d")'
    columns = ", ".join(f'"respondents"."column_{n}"' for n in range(30))
    wide = f'SELECT {columns} FROM "respondents" INNER JOIN "countries" ON ("a" = "b") WHERE "respondents"."id" = %s'
    counted = connection.execute_wrappers[0]
    gains, plain = [], []
    with connection.cursor() as cursor:

        def ask():
            cursor.execute(statement, ["people"])
            cursor.fetchall()

        for _ in range(TURNS):
            with_counting = microseconds(ask, times)
            connection.execute_wrappers.remove(counted)
            without = microseconds(ask, times)
            connection.execute_wrappers.insert(0, counted)
            gains.append(with_counting - without)
            plain.append(without)
    new = numbers()
    return [
        Figure("a query of one table, not counted", min(plain), "us"),
        Figure("more with counting (median of turns)", statistics.median(gains), "us", 5),
        Figure("count: one table, seen before", best(lambda: query_metrics.count(statement), times), "us", 5),
        Figure("count: three tables, seen before", best(lambda: query_metrics.count(three), times), "us", 10),
        Figure("count: 30 columns, two tables, seen before", best(lambda: query_metrics.count(wide), times), "us", 10),
        Figure(
            "the same at first sight", best(lambda: query_metrics.count(f"{wide} -- {next(new)}"), times // 10), "us"
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
