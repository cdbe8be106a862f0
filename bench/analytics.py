"""Benchmark of the analytical copy: the same questions answered by PostgreSQL and by DuckDB, in turns.

Imports the sample of the census, multiplies its records to --rows (10,000,000), and measures the first copy, and the
copy after the correction of one record. Then it asks both engines in one process. The plan for 10⁹ records multiplies
the measured bytes and seconds.
"""

import json
import sys
import tempfile
from pathlib import Path

from measuring import ROOT, Figure, Site, arguments, log, postgres, show

ROWS = 10_000_000
PLANNED = 1_000_000_000
MOST = 1 / 3  # of PostgreSQL's time
FILL = """
from django.db import connection
from census.models import Respondent
own = [field.column for field in Respondent._meta.concrete_fields if field.column not in ("id", "identity", "fnlwgt")]
names, rows, more = ", ".join(own), Respondent.objects.count(), %d
with connection.cursor() as cursor:
    for first in range(0, more, 1_000_000):
        cursor.execute(
            f"INSERT INTO respondents (identity, fnlwgt, {names}) SELECT"
            " decode(lpad(to_hex(n::bigint * 1000000 + r.id), 32, '0'), 'hex'),"
            f" (random() * 1000000)::int, {', '.join('r.' + name for name in own)}"
            f" FROM (SELECT * FROM respondents WHERE id <= (SELECT min(id) + {rows - 1} FROM respondents)) r,"
            f" generate_series({first // rows + 1}, {min(first + 1_000_000, more) // rows}) n"
        )
    cursor.execute("VACUUM ANALYZE respondents")
    cursor.execute("SELECT count(*), pg_total_relation_size('respondents') FROM respondents")
    print(*cursor.fetchone())
"""
COPY = """
from analytics.writer import copy
print(copy("census").seconds)
"""
CORRECT = """
from census.models import Respondent
from curation.history import edits
edits.correct(Respondent.objects.filter(pk=Respondent.objects.order_by("-pk")[100].pk), {"hours_per_week": 99}, None)
"""
# Prints the best time of each question in seconds: by the database, and by the copy.
ASK = """
import json, time
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from census.models import Respondent
from datasets.records.aggregation import groupings, measures, summarise
from explore.charts import Drawing, draw

everyone, user, copy = Respondent.objects.all(), AnonymousUser(), settings.ANALYTICS

def summary(by, *measured):
    return lambda: summarise(everyone, groupings(Respondent, by, user), measures(Respondent, measured, user)).rows

def chart(**drawing):
    return lambda: draw(Respondent, everyone, Drawing(**drawing), user).rows

def facets():
    names = ["workclass", "education", "marital_status", "occupation", "relationship", "race", "sex", "native_country"]
    return [summary([name], "count")() for name in names]

questions = {
    "group with mean": summary(["education"], "count", "mean:hours_per_week"),
    "group with median": summary(["occupation"], "median:fnlwgt"),
    "histogram": chart(kind="histogram", x="age"),
    "box plot": chart(kind="box", x="education", y="hours_per_week"),
    "facets of 8 columns": facets,
}

def rounded(value):
    return [rounded(each) for each in value] if isinstance(value, list | tuple) else (
        float(f"{value:.9g}") if isinstance(value, float) else value)

times = {}
for turn in range(%d):
    for name, question in questions.items():
        answers = []
        for engine in ("database", "copy"):
            settings.ANALYTICS = copy if engine == "copy" else None
            question() if engine == "copy" and not turn else None  # opens the files
            start = time.perf_counter()
            answers.append(question())
            times.setdefault(name, {}).setdefault(engine, []).append(time.perf_counter() - start)
        assert rounded(answers[0]) == rounded(answers[1]), name
print(json.dumps({name: {engine: min(each) for engine, each in found.items()} for name, found in times.items()}))
"""


def measure(site: Site, folder: Path, rows: int, turns: int) -> list[Figure]:
    """Return the figures of the copy and of each question, and the plan."""
    site.environment["ANALYTICS_COPY"] = str(folder / "copy")
    site.environment["QUERY_SECONDS"] = "0"
    site.manage("migrate", "-v", "0")
    site.manage("import_census", str(ROOT / "fixtures_src/census"))
    log(f"storing {rows:,} records")
    stored, table_bytes = map(int, site.ask(FILL % rows).split())
    log("copying")
    first = float(site.ask(COPY))
    files = [path.stat().st_size for path in (folder / "copy").rglob("*.parquet")]
    site.ask(CORRECT)
    again = float(site.ask(COPY))
    log("asking both engines")
    times = json.loads(site.ask(ASK % turns).splitlines()[-1])
    figures = [
        Figure("records", stored, ""),
        Figure("table and indexes in PostgreSQL", table_bytes / stored, "bytes a record"),
        Figure("copy", sum(files) / stored, "bytes a record"),
        Figure("first copy", first, "s"),
        Figure("first copy", stored / first, "records a second"),
        Figure("copy after a correction", again, "s"),
    ]
    for name, found in times.items():
        figures += [
            Figure(f"{name}: PostgreSQL", found["database"], "s"),
            Figure(f"{name}: DuckDB", found["copy"], "s"),
            Figure(f"{name}: of PostgreSQL's time", found["copy"] / found["database"], "x", MOST),
        ]
    times_larger = PLANNED / stored
    return [
        *figures,
        Figure("plan for 10⁹ records: table and indexes", table_bytes * times_larger / 1e9, "GB"),
        Figure("plan for 10⁹ records: copy", sum(files) * times_larger / 1e9, "GB"),
        Figure("plan for 10⁹ records: parts", PLANNED / 2**18, ""),
        Figure("plan for 10⁹ records: first copy", first * times_larger / 3600, "hours"),
        *(
            Figure(f"plan for 10⁹ records: {name} by DuckDB on one machine", found["copy"] * times_larger, "s")
            for name, found in times.items()
        ),
    ]


def main() -> int:
    parser = arguments(__doc__)
    parser.set_defaults(rows=ROWS)
    parser.add_argument("--turns", type=int, default=3, help="how often each question is asked")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as name:
        folder = Path(name)
        (folder / "postgres").mkdir()
        with postgres(folder / "postgres") as (_, address):
            figures = measure(Site("PostgreSQL", address, folder), folder, options.rows, options.turns)
    return show(figures, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
