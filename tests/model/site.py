"""The site and the model, and the steps that change both."""

import json
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from curation.history import edits
from curation.history.undo_result import UndoRefusedError
from imports.models import Change, Edit, ImportRun, RejectedRow
from tests.model import stored
from tests.model.comparing import different
from tests.model.doors import Doors
from tests.model.importing import Import, rows_of, subject_rows, write_tables
from tests.model.origins import check_origins
from tests.model.rejected_rows import RejectedRows
from tests.model.tables import DATASETS, KEYS, REFERS, ActionRefusedError, Tables
from tests.model.values import DOCUMENTS, ROWS, VALUES, in_model

pytestmark = pytest.mark.django_db

FEW = 2  # sequences if EXAMPLES is not set; they are the same each time
ANY = st.integers(0, 99)  # an index, modulo the number of choices
COUNTS = ("created", "updated", "missing", "deleted")


def one_of(several: list, which: int):
    return several[which % len(several)]


def one_of_last(actions: list, which: int):
    return actions[-1 - which % len(actions)]


class Site(RuleBasedStateMachine):
    """Apply each step to the site and to the model: both do it, or both refuse."""

    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.folder = tempfile.TemporaryDirectory()
        self.tables = Tables()
        self.latest = None  # the action of the last step
        self.user = get_user_model().objects.create_superuser("curator")
        self.doors = Doors(self.user)
        self.rejected = RejectedRows(self.tables)
        self.reasons: dict[tuple[str, int], str] = {}  # of each run and edit

    def teardown(self):
        try:
            self.history_is_whole()
            check_origins()
        finally:
            self.folder.cleanup()
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @invariant()
    def both_hold_the_same(self):
        people = {pk: rec.key for pk, rec in self.tables.of("people").items()}
        if difference := different(stored.records(people), self.tables.records):
            pytest.fail(f"The site and the model hold different records: {difference}")
        assert stored.standing() == set(self.tables.standing)

    @invariant()
    def each_run_and_edit_has_the_reason_of_its_step(self):
        now = stored.reasons()
        for place, reason in now.items():
            assert reason == self.reasons.setdefault(place, self.doors.reason), place
        assert now.keys() == self.reasons.keys()

    def history_is_whole(self):
        """Each change of a record begins where the one before it ended, and the last ends with the stored record.

        A record that a run has created again, after an undo deleted it, is another one: neither is a change.
        """
        for (table, record), changes in stored.histories().items():
            rows = [*((change.before, change.after) for change in changes), (stored.row(table, record), None)]
            for (_, after), (before, _) in pairwise(rows):
                if after and before and after["created_in_id"] == before["created_in_id"]:
                    assert after == before, (table, record)

    # Imports.

    def import_files(self, dataset, data):
        if dataset == "subjects":
            self.import_documents(data)
        else:
            self.import_tables(dataset, data)

    def import_tables(self, dataset, data):
        remove, suffix, preview, again = (data.draw(st.booleans()) for _ in range(4))
        rows = {table: data.draw(ROWS[table], label=table) for table in DATASETS[dataset]}
        rows = {table: entries for table, entries in rows.items() if entries}
        if not rows:
            return
        suffix = "-b" if suffix and dataset == "experiments" else ""
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        write_tables(folder, rows, suffix)
        result = {table: rows_of(table, entries, f"{table}{suffix}.csv") for table, entries in rows.items()}
        self._import(
            dataset, folder, result, {table: {f"{table}{suffix}.csv"} for table in rows}, remove, preview, again
        )

    def import_documents(self, data):
        documents = data.draw(DOCUMENTS, label="documents")
        remove, preview, again = (data.draw(st.booleans()) for _ in range(3))
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        for name, text in documents.items():
            (folder / name).mkdir()
            (folder / name / "subject.json").write_text(text)
        result = subject_rows(self.tables, documents)
        files = {table: set(documents) for table in result}
        self._import("subjects", folder, result, files, remove, preview, again)

    def _import(self, dataset, folder, expected, files, remove, preview, again):
        before, changes = stored.raw(), Change.objects.count()
        run = Import(self.tables, expected, files)
        if dataset == "people":  # the record of a rejected line is not missing
            trial = Import(self.tables, expected, files)
            for table, rows in expected.items():
                for row in rows:
                    trial.add_row(table, row, lambda *_: object())
            protected = self.rejected.protected({key for _, key in trial.refused})
            remove, run.protected = remove and protected is not None, protected or set()
        if preview:
            seen = self._command(dataset, folder, remove=remove, dry_run=True)
            assert stored.raw() == before and Change.objects.count() == changes
        counts = self._command(dataset, folder, remove=remove)
        if preview:
            assert counts == seen
        applied = ImportRun.objects.filter(status="applied").first()
        rejected = self._rejected(applied, expected) if "people" in expected else None
        action = run.merge(lambda table, row: stored.new_key(applied, table, row), remove=remove)
        action.handle, action.rows, self.latest = applied, before, action
        if rejected is not None:
            self.rejected.imports.append((action, rejected))
        if again:
            rows = stored.raw()
            counts = self._command(dataset, folder)
            assert not any(source["created"] or source["updated"] for source in counts.values())
            assert stored.raw() == rows
            self.latest = self.tables.do("run", self.tables.records)
            self.latest.handle = ImportRun.objects.first()
            if rejected is not None:
                self.rejected.imports.append((self.latest, self._rejected(self.latest.handle, expected)))

    def _rejected(self, run, expected):
        """Return the rows of people that the run could not use, by line; they were met in the expected states."""
        keys = {line: key for _, line, key, _ in expected["people"]}
        rows = RejectedRow.objects.filter(file__run=run, file__source="people")
        states = dict(rows.values_list("line", "state"))
        assert states == {line: self.rejected.state(keys[line]) for line in states}
        return {line: keys[line] for line in states}

    def _command(self, dataset, folder, *, remove=False, **options):
        path = Path(self.folder.name, "report.json")
        call_command(
            f"import_{dataset}",
            str(folder),
            "--report",
            str(path),
            delete_missing=remove,
            pairing=False,  # the model has no evidence to compare
            verbosity=0,
            reason=self.doors.reason,
            **options,
        )
        report = json.loads(path.read_text())
        return {source["source"]: {name: source[name] for name in COUNTS} for source in report["sources"]}

    # Edits.

    def _both(self, model, site):
        """Apply a step to both; return the site's Edit, or None if both refuse."""
        before, edits_before = stored.raw(), set(Edit.objects.values_list("pk", flat=True))
        try:
            action = model()
        except ActionRefusedError as refusal:
            action, why = None, str(refusal)
        try:
            site()
        except (edits.EditRefusedError, UndoRefusedError, CommandError) as refusal:
            assert action is None, f"refused by the site only: {refusal}"
        made = set(Edit.objects.values_list("pk", flat=True)) - edits_before
        if action is None:
            assert not made, f"not refused by the site: {why}"
            assert stored.raw() == before
        else:
            assert made
            action.rows = before
            action.handle, self.latest = Edit.objects.get(pk=max(made)), action

    def correct(self, data, which, several, page):
        table, pk = one_of(sorted(self.tables.records), which)
        pks = [pk, *[one_of(sorted(self.tables.of(table)), data.draw(ANY)) for _ in range(several * 2)]]
        pks = list(dict.fromkeys(pks))
        names = data.draw(
            st.lists(st.sampled_from(sorted(VALUES[table])), min_size=1, max_size=1 if page else 3, unique=True)
        )
        new = {name: self._value(table, name, data) for name in names}
        if None in new.values() and any(name in REFERS.get(table, {}) for name in new):
            return
        result = {name: in_model(table, name, value) for name, value in new.items()}
        self._both(
            lambda: self.tables.correct(table, pks, result),
            lambda: self.doors.correct(table, pks, new, page=page),
        )

    def _value(self, table, name, data):
        parent = REFERS.get(table, {}).get(name)
        if parent is None:
            return data.draw(VALUES[table][name], label=name)
        there = sorted(self.tables.of(parent))
        if name != "compounds":
            return one_of(there, data.draw(ANY))
        return sorted({one_of(there, data.draw(ANY)) for _ in range(data.draw(st.integers(1, 3)))})

    def revert(self, which, field, page):
        corrected = sorted((place for place, rec in self.tables.records.items() if rec.corrections))
        table, pk = one_of(corrected, which)
        name = one_of(sorted(self.tables.records[table, pk].corrections), field)
        self._both(lambda: self.tables.revert(table, pk, name), lambda: self.doors.revert(table, pk, name, page=page))

    def delete(self, which, more, page):
        table, pk = one_of(sorted(self.tables.records), which)
        pks = list({pk, one_of(sorted(self.tables.of(table)), more)}) if more % 3 == 0 else [pk]
        self._both(lambda: self.tables.delete(table, pks), lambda: self.doors.delete(table, pks, page=page))

    def restore(self, which, page):
        table, pk = one_of(self.tables.restorable(), which)
        self._both(lambda: self.tables.restore(table, pk), lambda: self.doors.restore(table, pk, page=page))

    def create(self, table, data):
        rows = [row for row in data.draw(ROWS[table], label=table)][:1]
        for row in rows:
            if "place_of_birth" in row:
                place = self.tables.find("places", row["place_of_birth"])
                if place is None:
                    return
                row = row | {"place_of_birth": place}
            if table != "people" and self.tables.find(table, row[KEYS[table]]) is not None:
                return
            before = stored.raw()
            record = self.doors.create(table, row)
            key = row[KEYS[table]] if table != "people" else ("curated", record.pk)
            values = {name: value for name, value in row.items() if name != KEYS[table]}
            action = self.tables.create(table, record.pk, key, values)
            action.handle, action.rows, self.latest = Edit.objects.first(), before, action

    # Undo and redo.

    def undo(self, which, page):
        """Undo one of the last actions; every changed row is the same as before, to the byte."""
        action = one_of_last([action for action in self.tables.actions if not action.undone], which)
        before = stored.raw()
        try:
            self.tables.undo(action)
        except ActionRefusedError as refusal:
            assert action is not self.latest, f"the last step can be undone: {refusal}"
        self.doors.undo(action, page=page)
        if not action.undone:
            assert stored.raw() == before
            return
        self._expect_rows(action, action.rows)
        action.undo.rows, self.latest = before, action

    def redo(self, which, page):
        """Redo one of the last undone actions; every changed row is the same as before the undo, to the byte."""
        action = one_of_last([action for action in self.tables.actions if action.undone], which)
        before = stored.raw()
        try:
            self.tables.redo(action)
        except ActionRefusedError as refusal:
            assert action is not self.latest, f"the last step can be redone: {refusal}"
        self.doors.redo(action, page=page)
        if action.undone:
            assert stored.raw() == before
            return
        self._expect_rows(action, action.undo.rows)
        self.latest = action

    def _expect_rows(self, action, rows):
        now = stored.raw()
        for place in action.changes:
            assert now.get(place) == rows.get(place), place
