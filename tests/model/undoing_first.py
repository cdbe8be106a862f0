"""Undo and redo with the changes that block them, through the function, the page, the API and the command."""

import io
import re
from collections.abc import Callable

from django.core.management import CommandError, call_command
from django.urls import reverse

from curation.admin.reasons import FIELD
from curation.history.undo_first import reverse_with_blockers, seal_of_steps
from curation.history.undo_result import Undone, UndoRefusedError
from imports.models import ImportRun
from tests.confirming import fields_of
from tests.model import stored
from tests.model.comparing import effect_of
from tests.model.doors import Doors
from tests.model.rejecting import RejectingSite
from tests.model.site import DONE, one_of_last
from tests.model.tables import Action, Step

Preview = tuple[list[Step], Callable[[], object]]  # the steps, and what confirms them; no steps if it is refused
STEP = re.compile(r"(undo|redo) (run|edit) (\d+):")


def by_function(doors: Doors, action: Action, verb: str) -> Preview:
    """Preview the steps by the function."""
    options = {"redo": verb == "redo", "reason": doors.reason}
    try:
        steps = reverse_with_blockers(action.handle, doors.user, **options, dry_run=True)
    except UndoRefusedError:
        return [], lambda: None
    seal = seal_of_steps(steps)
    return [_step(step) for step in steps], lambda: reverse_with_blockers(
        action.handle, doors.user, **options, expecting=seal
    )


def by_page(doors: Doors, action: Action, verb: str) -> Preview:
    """Preview the steps on the page."""
    name = {"run": "importrun", "edit": "edit"}[action.name]
    address = reverse(f"admin:imports_{name}_{verb}_first", args=[action.handle.pk])
    page = doors.client.get(address)
    steps = [_step(item["step"]) for item in page.context["steps"]]
    form = fields_of(page.text, "_reason") if steps else {}
    return steps, lambda: doors.client.post(address, form | {FIELD: doors.reason})


def by_request(doors: Doors, action: Action, verb: str) -> Preview:
    """Preview the steps over HTTP."""
    address, sent = f"/api/imports/{action.handle.pk}/{verb}/", {"blockers_first": "true", "reason": doors.reason}
    answer = doors.client.post(address, sent | {"mode": "preview"})
    assert answer.status_code in (200, 409), answer.text
    shown = answer.json()
    steps = [(step["step"], step["target"]["kind"], step["target"]["id"]) for step in shown.get("steps", ())]
    return steps, lambda: doors.client.post(address, sent | {"digest": shown["digest"]}) if steps else None


def by_command(doors: Doors, action: Action, verb: str) -> Preview:
    """Preview the steps by the command, which names them if there are several."""

    def call(**options) -> str:
        out = io.StringIO()
        options |= {"blockers_first": True, "reason": doors.reason}
        call_command(f"{verb}_import", action.handle.pk, **options, stdout=out, stderr=io.StringIO())
        return out.getvalue()

    try:
        steps = [(step, kind, int(pk)) for step, kind, pk in STEP.findall(call(dry_run=True))]
    except CommandError:
        return [], lambda: None
    return steps or [(verb, "run", action.handle.pk)], call


def _step(step: Undone) -> Step:
    kind = "run" if isinstance(step.action, ImportRun) else "edit"
    return "redo" if step.redo else "undo", kind, step.action.pk


class UndoingFirstSite(RejectingSite):
    """The changes that block an undo or redo are undone with it, in steps that are possible one after the other."""

    def reverse(self, kind, which, page, door):
        """Undo or redo one of the last actions, alone or with the changes that block it."""
        if kind in ("undo", "redo"):
            {"undo": self.undo, "redo": self.redo}[kind](which % 6, page)
            return
        verb = kind.removesuffix(" first")
        possible = [action for action in self.tables.actions if action.undone == (verb == "redo")]
        action, before = one_of_last(possible, which % 12), stored.raw()
        alone = effect_of(self.tables, lambda tables: tables.take([(verb, action.name, action.handle.pk)]))
        doors = [by_function, by_page, by_request, by_command] if action.name == "run" else [by_function, by_page]
        steps, confirm = doors[door % len(doors)](self.doors, action, verb)
        assert stored.raw() == before
        assert (len(steps) == 1) == (alone is not None), f"{steps}, but alone it has the effect {alone}"
        assert steps, "refused, although all later runs and edits can be undone one by one"
        confirm()
        self.take_steps(steps, before)
        DONE["undone first" if len(steps) > 1 else "undone alone"] += 1

    def take_steps(self, steps: list[Step], before: dict) -> None:
        """Take the steps that the site has taken; *before* are the rows before them."""
        rows = before
        for step in steps:
            verb, name, pk = step
            action = self.tables.action(name, pk)
            self.tables.take([step])
            self.doors.expect_state(action)
            rows = self.rows_after(verb, action, rows)
            self.latest = action
        assert stored.raw() == rows
