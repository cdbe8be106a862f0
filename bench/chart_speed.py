"""Benchmark of explore with a million respondents on PostgreSQL: charts against their SQL in psql, and first pages.

The time of a chart is the time from its drawing to its Vega-Lite specification; the time of its SQL is psql's for the
same statements with the same parameters. The two take turns. Gunicorn serves the pages with two workers, each warmed up
with other pages.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from api_requests import serving, site
from measuring import Figure, Site, arguments, generate, log, postgres, psql, show, timed
from playwright.sync_api import sync_playwright

DRAWINGS = {
    "bars": {"kind": "bar", "x": "education", "colour": "income_over_50k", "measure": "share"},
    "bars of means": {"kind": "bar", "x": "occupation", "measure": "mean:hours_per_week", "colour": "sex"},
    "histogram": {"kind": "histogram", "x": "age"},
    "line": {"kind": "line", "x": "age", "measure": "mean:income_over_50k", "colour": "sex"},
    "box plot": {"kind": "box", "x": "education", "y": "hours_per_week"},
    "heat map": {"kind": "heat", "x": "age", "y": "education"},
    "scatter": {"kind": "scatter", "x": "age", "y": "hours_per_week", "colour": "sex"},
}
# Draw each chart in turn and print its duration in seconds and its SQL with parameters filled in.
DRAW = """
import json, sys, time
from django.db import connection
from census.models import Respondent
from explore.charts import Drawing, draw
draw(Respondent, Respondent.objects.all(), Drawing("bar", x="sex"))
found = {}
for name, asked in json.loads(%r).items():
    start = time.perf_counter()
    draw(Respondent, Respondent.objects.all(), Drawing(**asked))
    seconds = time.perf_counter() - start
    statements = []
    def listen(execute, sql, parameters, many, context):
        statements.append(context["cursor"].mogrify(sql, parameters) if parameters else sql.replace("%%%%", "%%"))
        return execute(sql, parameters, many, context)
    with connection.execute_wrapper(listen):
        draw(Respondent, Respondent.objects.all(), Drawing(**asked))
    found[name] = [seconds, statements]
print(json.dumps(found))
"""
NAME, PASSWORD = "bench", "a long word for a short while"
ACCOUNT = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("{NAME}", password="{PASSWORD}")
"""


def charts(server: Site, address: str, turns: int) -> list[Figure]:
    """Measure each chart and its SQL: the best of all turns."""
    chart_times: dict[str, list[float]] = {}
    sql_times: dict[str, list[float]] = {}
    for turn in range(turns):
        log(f"charts, turn {turn + 1} of {turns}")
        for name, (seconds, statements) in json.loads(server.ask(DRAW % json.dumps(DRAWINGS))).items():
            chart_times.setdefault(name, []).append(seconds)
            sql_times.setdefault(name, []).append(in_psql(address, statements))
    figures = []
    for name in DRAWINGS:
        own, sql = min(chart_times[name]), min(sql_times[name])
        figures += [
            Figure(f"{name}: drawn", own, "s"),
            Figure(f"{name}: its SQL in psql", sql, "s"),
            Figure(f"{name}: of psql's time", own / sql, "x", 1.5),
        ]
    return figures


def in_psql(address: str, statements: list[str]) -> float:
    """Return the duration of *statements* in seconds as reported by psql, without its start and connection."""
    script = "\\timing on\n" + ";\n".join(statements) + ";\n"
    output = subprocess.run(
        [psql(), address, "-X", "-q", "-o", "/dev/null"], input=script, check=True, capture_output=True, text=True
    ).stdout
    return sum(float(milliseconds) for milliseconds in re.findall(r"Time: ([\d.]+) ms", output)) / 1000


def pages(server: Site, address: str, folder: Path) -> list[Figure]:
    """Measure the first page of the table, and the page and the specification of the first chart, without a cache."""
    server.ask(ACCOUNT)
    command, environment, port = site(address, folder)
    environment["STATIC_ROOT"] = str(folder / "static")
    timed([sys.executable, "manage.py", "collectstatic", "--noinput", "-v", "0"], environment)
    with serving(command, environment, port, "/sign-in/") as (served, _), sync_playwright() as playwright:
        asks = playwright.request.new_context(base_url=served, extra_http_headers={"Referer": served})
        asks.get("/sign-in/")
        token = next(cookie["value"] for cookie in asks.storage_state()["cookies"] if cookie["name"] == "csrftoken")
        asks.post(
            "/sign-in/?next=/explore/",
            form={"username": NAME, "password": PASSWORD, "csrfmiddlewaretoken": token},
        )
        for _ in range(6):  # warm up both workers with a chart of another table
            for tab in ("", "chart/", "chart.json"):
                asks.get(f"/explore/census/education-levels/{tab}")
        table = seconds_of(asks, "/explore/census/respondents/")
        chart = seconds_of(asks, "/explore/census/respondents/chart/")
        spec = seconds_of(asks, "/explore/census/respondents/chart.json")
    return [
        Figure("first page of the table", table, "s", 1),
        Figure("first chart: its page and its specification", chart + spec, "s", 1),
    ]


def seconds_of(asks, path: str) -> float:
    start = time.perf_counter()
    answer = asks.get(path)
    if answer.status != 200 or "login" in answer.url:
        raise SystemExit(f"{path} answers {answer.status} at {answer.url}")
    answer.body()
    return time.perf_counter() - start


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as name:
        folder = Path(name)
        file = generate(folder / "census", "census", given.rows)
        with postgres(folder) as (_, address):
            server = Site("PostgreSQL", address, folder)
            log(f"importing {given.rows:,} respondents")
            server.manage("migrate", "-v", "0")
            server.manage("import_census", str(file))
            figures = [*pages(server, address, folder), *charts(server, address, given.turns)]
    return show(figures, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
