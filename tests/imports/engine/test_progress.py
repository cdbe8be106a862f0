"""The progress of a run covers reading and merging."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from imports import reports
from imports.engine.heartbeat import Heartbeat
from imports.models import ImportRun
from tests.curation.run_pages import plain

PLACES = "city,county,country\nKelso,Roxburghshire,Scotland\n"
PEOPLE = "given_name,family_name,date_of_birth,place_of_birth\nAnn,Mac,1901-02-03,Kelso\n"


@pytest.fixture
def counted(monkeypatch):
    """Return the number of announced steps of the merge, and the number of completed steps."""
    counted = {"announced": 0, "done": 0}
    merging, step = Heartbeat.merging, Heartbeat.step

    def announce(heartbeat, steps):
        counted["announced"] += steps
        merging(heartbeat, steps)

    def count(heartbeat, number=1):
        counted["done"] += number
        step(heartbeat, number)

    monkeypatch.setattr(Heartbeat, "merging", announce)
    monkeypatch.setattr(Heartbeat, "step", count)
    return counted


def test_every_announced_step_of_a_merge_is_completed(importing, write, counted):
    importing("people", write("all/places.csv", PLACES).parent)
    importing("people", write("all/people.csv", PEOPLE).parent)
    importing("people", write("all/people.csv", PEOPLE.replace("Mac", "Mack")).parent)
    assert counted["announced"] == counted["done"] > 0


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's heartbeats save the steps about once a second")
def test_the_progress_advances_while_sqlite_merges(importing, write, monkeypatch):
    shown, step = [], Heartbeat.step

    def look(heartbeat, number=1):
        step(heartbeat, number)
        progress = reports.progress(ImportRun.objects.get())
        shown.append((progress["per_mille"], progress["phase"]))

    monkeypatch.setattr(Heartbeat, "step", look)
    importing("people", write("all/places.csv", PLACES).parent)
    numbers, phases = zip(*shown, strict=True)
    assert 500 < numbers[0] < numbers[-1] == 1000 and sorted(numbers) == list(numbers)
    assert phases[0] == "Comparing" and phases[-1] == "Saving"
    assert not list(Path(settings.MEDIA_ROOT).rglob(".people.steps"))


@pytest.mark.parametrize(
    ("saved", "phase", "per_mille"),
    [
        ({"bytes_read": 50}, "Reading", 250),
        ({"bytes_read": 100}, "Comparing", 500),
        ({"bytes_read": 100, "merging": True, "merge_steps": 11, "merge_steps_done": 5}, "Comparing", 727),
        ({"bytes_read": 50, "merging": True, "merge_steps": 11}, "Reading", 250),  # large files go into an empty table
        ({"bytes_read": 100, "merging": True, "merge_steps": 11, "merge_steps_done": 10}, "Saving", 955),
    ],
)
def test_the_page_shows_one_bar_for_all_phases(admin_client, db, saved, phase, per_mille):
    run = ImportRun.objects.create(dataset="people", status="running", bytes_total=100, **saved)
    ImportRun.objects.update(heartbeat=run.started_at)
    answer = admin_client.get(f"/admin/imports/importrun/{run.pk}/progress/")
    assert f'<progress max="1000" value="{per_mille}"' in answer.text
    assert f'<li aria-current="step">{phase}</li>' in answer.text
    assert f"{phase} {per_mille // 10} % – Run {run.pk} of people" in plain(answer)
    assert plain(answer).count("Reading") + plain(answer).count("Comparing") + plain(answer).count("Saving") == 5
