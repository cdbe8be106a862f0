"""The copy has the tables of one version, writes only what changed, and is whole at every moment."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from analytics import parts
from analytics.manifest import load
from analytics.parts import PartWriter
from analytics.state import states
from analytics.storage import Storage
from analytics.writer import CopyChangedError
from curation.history import edits
from curation.history.undo import undo_edit
from datasets.models import Version
from datasets.versions import raise_version
from experiments.models import User, UserExperiment
from imports.models import Edit, ImportRun
from people.models import Person, Place
from tests.analytics.tables import PLACES, check, copied, people, some, stored
from tests.import_helpers import SAMPLES

ROOT = Path(__file__).resolve().parents[2]
EXPERIMENTS = {
    "users": "user_id,name,email,signup_date\n1,Ann,ann@example.org,2023-01-01\n2,Bob,bob@example.org,2023-01-02\n",
    "compounds": "compound_id,compound_name,compound_structure\n1,A,C\n2,B,H\n3,C,O\n",
    "user_experiments": "experiment_id,user_id,experiment_compound_ids,experiment_run_time\n"
    + "".join(f"{n},{1 + n % 2},{1 + n % 2},{n}.5\n" for n in range(1, 41)),
}


@pytest.fixture
def small_parts(monkeypatch) -> None:
    monkeypatch.setattr(parts, "PART_ROWS", 10)


def test_a_copy_has_every_value_of_the_sample(importing, copies):
    for dataset in ("census", "people", "experiments"):
        importing(dataset, SAMPLES / dataset)
        copies.write(dataset)
        check(copies, dataset)


def test_odd_values_are_copied_unchanged(db, copies):
    odd = ["", " ", '"', ",", "a\nb", "NULL", "\\N", "İı", "𝔄", "é", "=1+1", "\t"]
    for n, text in enumerate(odd):
        Place.objects.create(city=f"{n}{text}", county=text, country=text * 3)
    place = Place.objects.first()
    for born in (date.min, date(999, 1, 2), date.max):
        Person.objects.create(given_name="", family_name=odd[4], date_of_birth=born, place_of_birth=place)
    raise_version("people")
    copies.write("people")
    check(copies, "people")


def test_only_parts_with_a_changed_record_or_label_are_written(importing, write, copies, small_parts, admin_client):
    """After each kind of change, the copy equals the tables, and the other parts are those of the last copy."""

    def create() -> None:
        person = {"given_name": "New", "family_name": "One", "date_of_birth": "1950-01-01"}
        answer = admin_client.post("/admin/people/person/add/", {**person, "place_of_birth": Place.objects.first().pk})
        assert answer.status_code == 302

    def of_newest_run(action: str) -> None:
        call_command(f"{action}_import", ImportRun.objects.order_by("pk").last().pk, verbosity=0)

    changes = {  # each with the number of parts that are written; the places are 1 part, and the people 4
        "the first copy": (lambda: None, 5),
        "a correction": (lambda: edits.correct(some(15), {"given_name": "Eve"}, None), 1),
        "two corrections": (lambda: edits.correct(some(1, 39), {"given_name": "Zoe"}, None), 2),
        "a label": (lambda: edits.correct(Place.objects.filter(city="Kelso"), {"county": "Borders"}, None), 3),
        "a deletion": (lambda: edits.delete(some(0), None), 1),
        "an undo of an edit": (lambda: undo_edit(Edit.objects.first()), 1),
        "a record of a form": (create, 2),  # the last part is full
        "a new file": (lambda: importing("people", write("more.csv", people(100, 115))), 2),
        "missing records": (lambda: importing("people", write("people.csv", people(0, 38)), "--delete-missing"), 2),
        "an undo of a run": (lambda: of_newest_run("undo"), 2),
        "a redo of a run": (lambda: of_newest_run("redo"), 2),
        "nothing": (lambda: None, 0),
        "a save in a shell": (lambda: some(5).get().save(), 7),  # all parts
    }
    with copies.used():  # runs and edits store their versions
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 40)))
        for name, (change, written) in changes.items():
            change()
            assert (name, copies.write("people").written) == (name, written)
            check(copies, "people")


def test_lists_and_labels_of_records_are_copied_again(bring, copies, small_parts):
    with copies.used():
        bring("experiments", **EXPERIMENTS)
        copies.write("experiments")
        compounds = {"compounds": [3, 1]}
        edits.correct(UserExperiment.objects.filter(pk=12), compounds, None)
        assert copies.write("experiments").written == 1
        edits.correct(User.objects.filter(pk=1), {"name": "Anna"}, None)
        assert copies.write("experiments").written == 5  # of the users, and four parts with experiments of this user
        check(copies, "experiments")


@pytest.mark.parametrize("method", ["write", "replace", "delete"])
def test_a_crash_at_any_moment_leaves_the_last_whole_copy(importing, write, copies, small_parts, monkeypatch, method):
    """The process dies before or after each of the steps that change a file."""
    with copies.used():
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 20)))
        copies.write("people")
        steps, real = 0, getattr(Storage, method)

        def crashing(self, *arguments):
            nonlocal steps
            steps += 1
            if steps == 2 * point:
                raise KeyboardInterrupt
            found = real(self, *arguments)
            if method == "write" and steps == 2 * point - 1:
                Path(self.url(arguments[0])).write_bytes(b"PAR1")  # the disk has only the first bytes
                raise KeyboardInterrupt
            return found

        for point in range(1, 4):
            before = copied(copies, "people")
            edits.correct(some(0, 19), {"given_name": f"Eve{point}"}, None)
            steps = 0
            monkeypatch.setattr(Storage, method, crashing)
            try:
                copies.write("people")
            except KeyboardInterrupt:
                assert copied(copies, "people") in (before, stored("people"))
            monkeypatch.setattr(Storage, method, real)
            copies.write("people")
            check(copies, "people")
        manifest = load(Storage(copies.place.copy), "people")
        known = {*manifest.files, *manifest.retired, "people/manifest.json"}
        assert {str(path.relative_to(copies.place.copy)) for path in copies.files("people")} == known


def test_a_killed_process_leaves_the_last_whole_copy(importing, write, copies, child_environment):
    with copies.used():
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 20)))
        copies.write("people")
        before = copied(copies, "people")
        edits.correct(some(0), {"given_name": "Eve"}, None)
        code = (
            "import django, time; django.setup()",
            "from analytics.storage import Storage",
            "write = Storage.write",
            "def slow(self, path, blocks): write(self, path, blocks); print(path, flush=True); time.sleep(60)",
            "Storage.write = slow",
            "from analytics.writer import copy; copy('people')",
        )
        command = [sys.executable, "-c", "\n".join(code)]
        environment = child_environment | {"ANALYTICS_COPY": copies.place.copy, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=ROOT) as process:
            path = process.stdout.readline().decode().strip()
            process.send_signal(signal.SIGKILL)
        assert path.endswith(".parquet")
        assert copied(copies, "people") == before
        while copies.write("people") is None:  # until the server has noticed that the process is dead
            time.sleep(0.1)
        check(copies, "people")
        assert not Path(copies.place.copy, path).exists()


def test_a_change_while_the_copy_is_written_is_not_in_it(db, copies, importing, write, monkeypatch):
    """PostgreSQL reads one snapshot. On SQLite, the copy is given up, and the worker tries again."""
    with copies.used():
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 20)))
        copies.write("people")
        before, real = stored("people"), PartWriter.write

        def interrupted(self, *arguments):
            monkeypatch.setattr(PartWriter, "write", real)
            with ThreadPoolExecutor(1) as other:
                other.submit(_delete_a_person).result()
            return real(self, *arguments)

        edits.correct(some(0), {"given_name": "Eve"}, None)
        edited = stored("people")
        monkeypatch.setattr(PartWriter, "write", interrupted)
        if connection.vendor == "postgresql":
            copies.write("people")
            assert copied(copies, "people") == edited
        else:
            with pytest.raises(CopyChangedError):
                copies.write("people")
            assert copied(copies, "people") == before
            assert [state.problem for state in states() if state.dataset == "people"] == [
                "people changed while it was copied."
            ]
        copies.write("people")
        check(copies, "people")


def _delete_a_person() -> None:
    edits.delete(some(3), None)
    connection.close()


def test_a_copy_of_another_history_is_written_again(importing, write, copies):
    """After a restore from a backup, the history does not have the changes of the last copy."""
    with copies.used():
        importing("people", write("places.csv", PLACES), write("people.csv", people(0, 20)))
        copies.write("people")
        backup = dict(Version.objects.values_list("name", "shows"))["copy of people"]
        edits.correct(some(0), {"given_name": "Eve"}, None)
        copies.write("people")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE people SET given_name = 'Ann'")
        Version.objects.filter(pk="copy of people").update(shows=backup)
        edits.correct(some(19), {"given_name": "Zoe"}, None)
        assert copies.write("people").written == 2
        check(copies, "people")
