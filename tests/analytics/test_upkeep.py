"""The worker copies, deletes replaced files and reports failures; the command shows the copies."""

import io
import re

import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command
from django.utils.module_loading import import_string
from prometheus_client import CollectorRegistry, generate_latest

from analytics.manifest import load
from analytics.metrics import CopyCollector
from analytics.state import due
from analytics.storage import Storage
from curation.history import edits
from tests.analytics.tables import PLACES, check, copied, people, some


def test_replaced_files_stay_for_a_time(importing, write, copies):
    with copies.used():
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 20)))
        copies.write("people")
        first = {path.name + path.parent.name for path in copies.files("people")}
        edits.correct(some(0), {"given_name": "Eve"}, None)
        copies.write("people")
        assert first < {path.name + path.parent.name for path in copies.files("people")}
    with copies.used(grace_minutes=0):
        for job in map(import_string, ("analytics.upkeep.copying", "analytics.upkeep.sweeping")):
            job().run_once()
        assert len(copies.files("people")) == 3  # the manifest, the places, and the people
        check(copies, "people")


def test_the_worker_copies_at_once_after_a_run_and_later_after_edits(importing, write, copies, settings):
    settings.WORKER_JOBS = ["analytics.upkeep.copying", "analytics.upkeep.sweeping"]

    def work() -> int:
        call_command("worker", "--batch")
        return load(Storage(copies.place.copy), "people").version

    with copies.used(minutes=10):
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 5)))
        first = work()
        edits.correct(some(0), {"given_name": "Eve"}, None)
        assert work() == first and not due()
        importing("people", write("more.csv", people(10, 12)))
        second = work()
        assert second > first
        edits.correct(some(0), {"given_name": "Zoe"}, None)
    with copies.used(minutes=0):
        assert work() > second


def test_a_failure_is_reported_and_the_last_copy_stays(importing, write, copies, settings, caplog):
    settings.WORKER_JOBS = ["analytics.upkeep.copying"]
    with copies.used():
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 5)))
        copies.write("people")
        before = copied(copies, "people")
        edits.correct(some(0), {"given_name": "Eve"}, None)
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr(Storage, "write", lambda *arguments: (_ for _ in ()).throw(OSError(28, "No space left")))
            call_command("worker", "--batch")
        assert "No space left" in caplog.text and copied(copies, "people") == before
        assert 'tabularium_copy_failed{dataset="people"} 1.0' in _metrics()
        call_command("worker", "--batch")
        shown = _metrics()
        assert 'tabularium_copy_failed{dataset="people"} 0.0' in shown
        assert 'tabularium_copy_behind_seconds{dataset="people"} 0.0' in shown
        assert 'tabularium_copy_age_seconds{dataset="people"}' in shown


def _metrics() -> str:
    registry = CollectorRegistry()
    registry.register(CopyCollector())
    return generate_latest(registry).decode()


def test_the_command_copies_and_shows_the_copies(importing, write, copies, settings):
    def command(*arguments) -> str:
        output = io.StringIO()
        call_command("analytics_copy", *arguments, stdout=output)
        return output.getvalue()

    with pytest.raises(CommandError, match="ANALYTICS_COPY is not set"):
        command()
    with copies.used():
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 5)))
        assert "people: not copied yet, behind since" in command("--state")
        assert command("people").startswith("people: 2 of 2 parts written in")
        assert command("people").startswith("people: 0 of 2 parts")
        assert command("people", "--whole").startswith("people: 2 of 2 parts")
        assert re.search(r"people: copied at \d{4}.* UTC, \d+\.\d\xa0KB\n", command("--state"))
        [file] = command("--files", "people/people").splitlines()
        assert pyarrow.parquet.read_metadata(file).num_rows == 5
        with pytest.raises(CommandError, match="There is no copy of people/persons"):
            command("--files", "people/persons")
        with pytest.raises(CommandError, match="There is no dataset peple"):
            command("peple")
