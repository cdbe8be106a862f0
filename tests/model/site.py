"""The site and the model, and the steps that change both."""

import tempfile
from collections import Counter
from itertools import pairwise

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from curation.history import edits
from curation.history.undo_result import UndoRefusedError
from imports.models import Edit
from tests.model import stored
from tests.model.comparing import different
from tests.model.doors import Doors
from tests.model.origins import check_origins
from tests.model.rejected_rows import RejectedRows
from tests.model.tables import KEYS, REFERS, ActionRefusedError, Tables
from tests.model.values import ROWS, VALUES, in_model

pytestmark = pytest.mark.django_db

DONE: Counter[str] = Counter()  # how often the sequences have met what few of them meet
ANY = st.integers(0, 99)  # an index, modulo the number of choices


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

    @invariant(check_during_init=True)
    def both_hold_the_same(self):
        people = {pk: rec.key for pk, rec in self.tables.of("people").items()}
        if difference := different(stored.records(people), self.tables.records):
            pytest.fail(f"The site and the model hold different records: {difference}")
        assert stored.standing() == set(self.tables.standing)

    @invariant(check_during_init=True)
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
        assert stored.raw() == self.rows_after("undo", action, before)
        self.latest = action

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
        assert stored.raw() == self.rows_after("redo", action, before)
        self.latest = action

    def rows_after(self, verb, action, before):
        """Return the rows after the undo or redo of an action, to the byte; *before* are those before it."""
        restored = action.rows if verb == "undo" else action.undo.rows
        if verb == "undo":
            action.undo.rows = before
        unchanged = {place: row for place, row in before.items() if place not in action.changes}
        return unchanged | {place: restored[place] for place in action.changes if place in restored}
