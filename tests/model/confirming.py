"""Confirm an action after another user has changed records."""

from copy import deepcopy

from hypothesis import strategies as st
from hypothesis.stateful import rule

from imports.models import Edit
from tests.model import stored
from tests.model.comparing import spelled
from tests.model.rejecting import RejectingSite
from tests.model.site import ANY, one_of
from tests.model.tables import ActionRefusedError
from tests.model.values import REASONS, VALUES, in_model

ONE_FIELD = {"users": "name", "compounds": "compound_name", "places": "county", "people": "given_name"}


def effect(tables, step) -> dict | None:
    """Return the effect of a step on the tables: each record before and after; None if it is refused."""
    trial = deepcopy(tables)
    try:
        step(trial)
    except ActionRefusedError:
        return None
    places = {*tables.records, *trial.records}
    rows = {place: (tables.records.get(place), trial.records.get(place)) for place in places}
    return {place: tuple(map(spelled, pair)) for place, pair in rows.items() if spelled(pair[0]) != spelled(pair[1])}


class ConfirmingSite(RejectingSite):
    """A confirmed action changes exactly the records on the confirmation page, in that state, or nothing."""

    @rule(data=st.data())
    def step(self, data):
        """Do one possible step; one rule for all kinds, so that a few sequences cover every kind."""
        kind = data.draw(st.sampled_from(self.steps()), label="step")
        which, page = data.draw(ANY), data.draw(st.booleans())
        self.doors.reason = data.draw(st.sampled_from(REASONS), label="reason")
        match kind:
            case "experiments" | "people" | "subjects":
                self.import_files(kind, data)
            case "correct":
                self.correct(data, which, data.draw(st.booleans()), page)
            case "revert":
                self.revert(which, data.draw(ANY), page)
            case "delete":
                self.delete(which, data.draw(ANY), page)
            case "restore":
                self.restore(which, page)
            case "create":
                self.create(data.draw(st.sampled_from(["users", "compounds", "places", "people"])), data)
            case "undo" | "redo":
                {"undo": self.undo, "redo": self.redo}[kind](which % 6, page)
            case "confirm":
                self.confirm(data)
            case "fix" | "ignore" | "open again":
                self.work_on_rejected(kind, which, data.draw(ANY))

    def steps(self) -> list[str]:
        """Return the possible steps; the more revealing ones several times."""
        can = ["experiments"] * 3 + ["people"] * 3 + ["subjects"] * 2 + ["create"]
        if self.tables.records:
            can += ["correct"] * 4 + ["delete"] * 3 + ["confirm"] * 3
        if any(rec.corrections for rec in self.tables.records.values()):
            can += ["revert"] * 3
        if self.tables.restorable():
            can += ["restore"] * 3
        if any(not action.undone for action in self.tables.actions):
            can += ["undo"] * 4
        if any(action.undone for action in self.tables.actions):
            can += ["redo"] * 3
        if self.rejected.in_state("open", "ignored") and self.tables.of("places"):
            can += ["fix"] * 6
        if self.rejected.in_state("open"):
            can += ["ignore"] * 3
        if self.rejected.in_state("ignored"):
            can += ["open again"] * 2
        return can

    def confirm(self, data):  # noqa: C901 - a branch for each kind of action
        what = data.draw(st.sampled_from(["change", "delete", "undo"]))
        which, more, all_ = data.draw(ANY), data.draw(ANY), data.draw(st.booleans())
        table, pk = one_of(sorted(self.tables.records), which)
        pks = sorted({pk, one_of(sorted(self.tables.of(table)), more)})
        if what == "change":
            table = table if table in ONE_FIELD else "users"
            field = ONE_FIELD[table]
            value = data.draw(VALUES[table][field], label=field)
            new, keys = {field: in_model(table, field, value)}, [] if all_ else pks
            if not all_ and any((table, key) not in self.tables.records for key in pks):
                return

            def step(tables):
                return tables.correct(table, keys or list(tables.of(table)), new)

            shown = self.doors.preview(table, keys, field, value)
        elif what == "delete":

            def step(tables):
                return tables.delete(table, pks)

            shown = self.doors.ask_to_delete(table, pks)
        else:
            standing = [place for place, action in enumerate(self.tables.actions) if not action.undone]
            if not standing:
                return
            place = standing[-1 - which % min(3, len(standing))]

            def step(tables):
                tables.undo(tables.actions[place])

            shown = self.doors.ask_to_undo(self.tables.actions[place])
        before = effect(self.tables, step)
        for _ in range(data.draw(st.integers(0, 2))):
            self._meanwhile(data)
        now = effect(self.tables, step)
        rows, edits_before = stored.raw(), set(Edit.objects.values_list("pk", flat=True))
        shown()
        made = set(Edit.objects.values_list("pk", flat=True)) - edits_before
        if not made:
            assert stored.raw() == rows
            assert before is None or now != before, "the confirmed effect is still the same, but was refused"
            return
        assert before is not None and now == before, f"shown: {before}; done: {now}"
        action = step(self.tables)
        if action is not None:
            action.rows, action.handle = rows, Edit.objects.get(pk=max(made))
        else:
            self.tables.actions[place].undo.rows = rows
        self.latest = None

    def _meanwhile(self, data) -> None:
        """Let another user change records."""
        if not self.tables.records:
            return
        match data.draw(st.sampled_from(["correct", "delete", "undo", "create"])):
            case "correct":
                self.correct(data, data.draw(ANY), several=False, page=False)
            case "delete":
                self.delete(data.draw(ANY), 1, page=False)
            case "undo" if any(not action.undone for action in self.tables.actions):
                self.undo(data.draw(st.integers(0, 3)), page=False)
            case "create":
                self.create(data.draw(st.sampled_from(["users", "places", "people"])), data)
