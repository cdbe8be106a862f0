"""Confirm an action after another user has changed records."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from imports.models import Edit
from tests.model import stored
from tests.model.comparing import effect_of
from tests.model.site import ANY, one_of, one_of_last
from tests.model.undoing_first import UndoingFirstSite, by_page
from tests.model.values import REASONS, VALUES, in_model

ONE_FIELD = {"users": "name", "compounds": "compound_name", "places": "county", "people": "given_name"}


class ConfirmingSite(UndoingFirstSite):
    """A confirmed action changes exactly the records on the confirmation page, in that state, or nothing."""

    @rule(data=st.data())
    def step(self, data):
        """Do one possible step; one rule for all kinds, so that a few sequences cover every kind."""
        kind = data.draw(st.sampled_from(self.steps()), label="step")
        which, page = data.draw(ANY), data.draw(st.booleans())
        self.doors.reason = data.draw(st.sampled_from(REASONS), label="reason")
        match kind:
            case "experiments" | "people" | "people in the browser" | "subjects":
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
            case "undo" | "redo" | "undo first" | "redo first":
                self.reverse(kind, which, page, door=data.draw(st.integers(0, 3)))
            case "confirm":
                self.confirm(data)
            case "fix" | "ignore" | "open again":
                self.work_on_rejected(kind, which, data.draw(ANY))

    def steps(self) -> list[str]:
        """Return the possible steps; the more revealing ones several times."""
        can = ["experiments"] * 3 + ["people"] * 3 + ["people in the browser"] * 2 + ["subjects"] * 2 + ["create"]
        if self.tables.records:
            can += ["correct"] * 4 + ["delete"] * 3 + ["confirm"] * 3
        if any(rec.corrections for rec in self.tables.records.values()):
            can += ["revert"] * 3
        if self.tables.restorable():
            can += ["restore"] * 3
        if any(not action.undone for action in self.tables.actions):
            can += ["undo"] * 4 + ["undo first"] * 2
        if any(action.undone for action in self.tables.actions):
            can += ["redo"] * 3 + ["redo first"]
        if self.rejected.in_state("open", "ignored") and self.tables.of("places"):
            can += ["fix"] * 6
        if self.rejected.in_state("open"):
            can += ["ignore"] * 3
        if self.rejected.in_state("ignored"):
            can += ["open again"] * 2
        return can

    def confirm(self, data):
        """Confirm a page after other users have changed records."""
        what = data.draw(st.sampled_from(["change", "delete", "undo", "undo first"]))
        which, more, all_ = data.draw(ANY), data.draw(ANY), data.draw(st.booleans())
        if what in ("undo", "undo first"):
            standing = [action for action in self.tables.actions if not action.undone]
            if standing:
                self._confirm_undo(one_of_last(standing, which % 3), data, first=what == "undo first")
            return
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
        else:

            def step(tables):
                return tables.delete(table, pks)

            shown = self.doors.ask_to_delete(table, pks)
        rows, edits = self._confirmed(data, step, shown)
        if edits:
            action = step(self.tables)
            action.rows, action.handle = rows, Edit.objects.get(pk=max(edits))
            self.latest = None

    def _confirm_undo(self, action, data, *, first):
        if first:
            steps, shown = by_page(self.doors, action, "undo")
        else:
            steps, shown = [("undo", action.name, action.handle.pk)], self.doors.ask_to_undo(action)
        rows, edits = self._confirmed(
            data,
            lambda tables: tables.take(steps),
            shown,
            is_still_shown=lambda: not first or by_page(self.doors, action, "undo")[0] == steps,
        )
        if edits:
            self.take_steps(steps, rows)
            self.latest = None

    def _confirmed(self, data, step, shown, is_still_shown=lambda: True):
        """Confirm a page by *shown*; return the rows before the confirmed step, and the keys of the edits made.

        Other users change records in between. The step is done if and only if it still has the effect on the page.
        """
        before = effect_of(self.tables, step)
        for _ in range(data.draw(st.integers(0, 2))):
            self._meanwhile(data)
        now = effect_of(self.tables, step)
        rows, edits_before = stored.raw(), set(Edit.objects.values_list("pk", flat=True))
        shown()
        edits = set(Edit.objects.values_list("pk", flat=True)) - edits_before
        if edits:
            assert before is not None and now == before, f"shown: {before}; done: {now}"
        else:
            assert stored.raw() == rows
            is_refused = before is None or now != before or not is_still_shown()
            assert is_refused, "the confirmed effect is still the same, but was refused"
        return rows, edits

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
