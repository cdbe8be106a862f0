"""Benchmark of history, undo and admin lists, against an import that changes nothing.

Imports a million respondents again with a tenth new and a tenth missing (deleted, with history), and a million users of
experiments with a tenth changed; undoes and redoes both; and loads the first page of a list of 1,000 and of a million
rows, with filters and facets. Times of commands are those of whole processes.
"""

from pathlib import Path

from measuring import Figure, Site, arguments, generate, log, on_each_engine

# Server time of a page (best of five) by Django's test client, including middleware, queries and templates.
PAGE = """
import time
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
user, _ = get_user_model().objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
client = Client(HTTP_HOST="localhost")
client.force_login(user)
best = []
for turn in range(6):
    with CaptureQueriesContext(connection) as queries:
        start = time.perf_counter()
        response = client.get("/admin/census/respondent/")
        best.append(time.perf_counter() - start)
    assert response.status_code == 200, response.status_code
print(min(best) * 1000, len(queries))
"""


def last_run(site: Site) -> str:
    code = "from imports.models import ImportRun; print(ImportRun.objects.filter(status='applied').first().pk)"
    return site.ask(code).strip()


def measure(site: Site, folder: Path, rows: int) -> list[Figure]:
    figures: list[Figure] = []
    site.manage("migrate", "-v", "0")
    few = generate(folder / "few", "census", 1000)
    site.manage("import_census", str(few))
    page_of_few, queries_of_few = (float(figure) for figure in site.ask(PAGE).split())
    for dataset, only, options, again in (
        ("census", "census", ["--new-share", "0.1", "--missing-share", "0.1"], ["--delete-missing"]),
        ("experiments", "users", ["--change-share", "0.1"], []),
    ):
        log(f"{site.name}: {dataset}")
        first = generate(folder / f"{only}-first", only, rows)
        second = generate(folder / f"{only}-second", only, rows, *options)
        site.start_anew()
        command = f"import_{dataset}"
        site.manage(command, str(first))
        unchanged = site.manage(command, str(first)).seconds
        changed = site.manage(command, str(second), *again).seconds
        run = last_run(site)
        undone = site.manage("undo_import", run).seconds
        redone = site.manage("redo_import", run).seconds
        what = "a tenth new, a tenth missing" if dataset == "census" else "a tenth changed"
        figures += [
            Figure(f"{site.name}, {dataset}: again, unchanged", unchanged, "s"),
            Figure(f"{site.name}, {dataset}: {what}", changed, "s"),
            Figure(f"{site.name}, {dataset}: undoing that", undone, "s"),
            Figure(f"{site.name}, {dataset}: redoing that", redone, "s"),
            Figure(f"{site.name}, {dataset}: {what}, as a multiple of unchanged", changed / unchanged, "×", 4),
            Figure(f"{site.name}, {dataset}: undoing, as a multiple of importing", undone / changed, "×", 1),
            Figure(f"{site.name}, {dataset}: redoing, as a multiple of importing", redone / changed, "×", 1.5),
        ]
        if dataset == "census":
            page, queries = (float(figure) for figure in site.ask(PAGE).split())
            bar = 150 if site.name == "PostgreSQL" else None
            figures += [
                Figure(f"{site.name}: list page of 1,000", page_of_few, "ms"),
                Figure(f"{site.name}: list page of {rows:,}", page, "ms", bar),
                Figure(f"{site.name}: its queries beyond those of 1,000", queries - queries_of_few, "queries", 0),
            ]
    return figures


def main() -> int:
    return on_each_engine(arguments(__doc__), measure)


if __name__ == "__main__":
    raise SystemExit(main())
