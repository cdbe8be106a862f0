"""Time edits, an import and pages of respondents, in the shell of a site: prints the least milliseconds as JSON.

bench/scale.py runs it, with the path of the file to import in the environment variable FILE. Pages are rendered by
Django's test client, as in production without DEBUG. If the environment variable CLOCK is "cpu", the time is that of
the processor in this process and in its PostgreSQL connection.
"""

import json
import os
import time
from pathlib import Path

from django.conf import settings
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client, RequestFactory

from census.models import Respondent
from curation.history import edits
from curation.history.undo import undo_edit
from imports.engine.run import import_files
from imports.models import ImportRun

ADMIN, TABLE, API = "/admin/census/respondent/", "/explore/census/respondents/", "/api/census/respondents/"
settings.DEBUG = False  # Django would store all queries
times = {}


def processor_time():
    """Return the seconds of processor time so far, in the server's process as Linux counts them."""
    seconds = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        with open(f"/proc/{connection.connection.info.backend_pid}/schedstat") as counts:
            seconds += int(counts.read().split()[0]) / 1e9
    return seconds


clock = processor_time if os.environ.get("CLOCK") == "cpu" else time.perf_counter


def timed(name, do, *arguments):
    start = clock()
    result = do(*arguments)
    times.setdefault(name, []).append((clock() - start) * 1000)
    return result


def edit(keys):
    for turn in range(20):
        record = Respondent.objects.filter(pk=keys[turn])
        correction = timed("correct 1 record", edits.correct, record, {"hours_per_week": 100 + turn}, None)
        timed("undo it", undo_edit, correction)
    for turn in range(2):
        records = Respondent.objects.filter(pk__gte=keys[1_000 * turn], pk__lt=keys[1_000 * (turn + 1)])
        correction = timed("correct 1,000 records", edits.correct, records, {"hours_per_week": 99}, None)
        timed("undo 1,000 corrections", undo_edit, correction)


def addresses(user, key):
    """Yield the name and the address of each page and part."""
    runs = ImportRun.objects.filter(dataset="census")
    run = runs.filter(status=ImportRun.Status.APPLIED).order_by("-rows_read").first()
    preview = runs.filter(status=ImportRun.Status.PREVIEWED).first()
    yield "dashboard", "/admin/"
    yield "page of the dataset", "/admin/census/"
    yield "first page in the admin", ADMIN
    yield "first page with facets", f"{ADMIN}?sex=Female&_facets=True"
    yield "page of a record", f"{ADMIN}{key}/change/"
    yield "page of a run", f"/admin/imports/importrun/{run.pk}/change/"
    yield "page of a preview", f"/admin/imports/importrun/{preview.pk}/change/"
    yield "first page of the table", TABLE
    yield "search", f"{TABLE}?search=Sales"
    yield "Chart tab", f"{TABLE}chart/"
    yield "page of the API", f"{API}?page_size=100"
    yield "exact counts of facets", f"{TABLE}counts?search=Sales"
    if connection.vendor == "postgresql":
        yield "count=exact", f"{API}?page_size=1&count=exact"
    request = RequestFactory().get(ADMIN)
    request.user = user
    changelist = site.get_model_admin(Respondent).get_changelist_instance(request)
    for index, name in enumerate(changelist.list_display):
        if name not in changelist.slow_columns and changelist.get_ordering_field(name):
            yield f"admin list, {name}", f"{ADMIN}?o={index}"


def get(client, address):
    answer = client.get(address)
    b"".join(answer.streaming_content) if answer.streaming else None
    assert answer.status_code == 200, (address, answer.status_code)


keys = list(Respondent.objects.order_by("pk").values_list("pk", flat=True)[5_000:7_500])
edit(keys)
timed("import 1,000 rows to the commit", import_files, "census", [Path(os.environ["FILE"])])
user, _ = get_user_model().objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
client = Client(HTTP_HOST="localhost")
client.force_login(user)
for name, address in addresses(user, keys[0]):
    for _turn in range(4):
        timed(name, get, client, address)
print(json.dumps({name: min(each) for name, each in times.items()}))
