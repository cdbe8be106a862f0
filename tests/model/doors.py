"""Do the model's steps on the site: through the admin's pages, or by the functions behind them."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

from django.contrib.admin.utils import quote
from django.core.management import CommandError, call_command
from django.db import models
from django.test import Client
from django.urls import reverse

from curation.admin.reasons import FIELD
from curation.history import edits
from curation.history.timeline import changes_of
from curation.history.tombstones import restorable_deletion
from curation.history.undo import redo_edit, undo_edit
from curation.history.undo_result import UndoRefusedError
from imports.models import Change
from tests.confirming import confirm
from tests.model.stored import MODELS
from tests.model.tables import Action

HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


class Doors:
    """A signed-in curator, and the reason of all that the curator does."""

    def __init__(self, user):
        self.user, self.client, self.reason = user, Client(), ""
        self.client.force_login(user)

    def address(self, table: str, name: str, *arguments) -> str:
        """Return the URL of an admin page of a table."""
        meta = MODELS[table]._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=arguments)

    def records(self, table: str, pks: list) -> models.QuerySet:
        """Return records by their keys."""
        return MODELS[table].objects.filter(pk__in=pks)

    def correct(self, table: str, pks: list, new: dict[str, Any], *, page: bool) -> None:
        """Set fields of records: all at once, or one field after a preview."""
        if not page:
            edits.correct(self.records(table, pks), new, self.user, reason=self.reason)
            return
        ((name, value),) = new.items()
        self.preview(table, pks, name, value)()

    def preview(self, table: str, pks: list, name: str, value: Any) -> Callable[[], None]:
        """Preview a change of the records, or of all; return the form data that confirm it."""
        typed = json.dumps(value) if name == "document" else "" if value is None else value
        data = {"_selected_action": pks, "field": name, "value": typed, FIELD: self.reason}
        data |= {} if pks else {"select_across": "1"}
        address = self.address(table, "bulk")
        page = self.client.post(address, data | {"_preview": "Preview"})
        assert page.status_code == 200
        if not page.context.get("sample"):
            return lambda: None
        return lambda: self.client.post(address, data | _hidden(page, data) | {"_apply": "Change"})

    def revert(self, table: str, pk: Any, name: str, *, page: bool) -> None:
        """Revert a field to its file value."""
        if page:
            confirm(self.client, self.address(table, "revert", pk, name), {FIELD: self.reason})
        else:
            edits.revert(self.records(table, [pk]), name, self.user, reason=self.reason)

    def delete(self, table: str, pks: list, *, page: bool) -> None:
        """Delete records: a single one on its page, several in the list."""
        if not page:
            edits.delete(self.records(table, pks), self.user, reason=self.reason)
        else:
            self.ask_to_delete(table, pks)()

    def ask_to_delete(self, table: str, pks: list) -> Callable[[], None]:
        """Open the confirmation page of a deletion; return the form data that confirm it."""
        if len(pks) == 1:
            address, data = self.address(table, "delete", quote(pks[0])), {}
            page = self.client.get(address)
        else:
            address, data = self.address(table, "changelist"), {"action": "delete_selected", "_selected_action": pks}
            page = self.client.post(address, data)
        return lambda: self.client.post(address, data | _hidden(page, data) | {"post": "yes", FIELD: self.reason})

    def restore(self, table: str, pk: Any, *, page: bool) -> None:
        """Restore a deleted record."""
        if page:
            confirm(self.client, self.address(table, "restore", pk), {FIELD: self.reason})
        else:
            last = restorable_deletion(changes_of(MODELS[table], pk))
            edits.restore(Change.objects.filter(pk=last.pk), MODELS[table], self.user, reason=self.reason)

    def create(self, table: str, row: dict[str, Any]) -> models.Model:
        """Create a record in the admin."""
        model = MODELS[table]
        made = {model._meta.get_field(name).attname: value for name, value in row.items()}
        record = model.objects.create(**made)
        edits.created(record, self.user, reason=self.reason)
        return record

    def undo(self, action: Action, *, page: bool) -> None:
        """Undo an action if the model does; expect a refusal if the model refuses."""
        self._reverse(action, "undo", page=page)

    def redo(self, action: Action, *, page: bool) -> None:
        """Redo an action if the model does; expect a refusal if the model refuses."""
        self._reverse(action, "redo", page=page)

    def _reverse(self, action: Action, verb: str, *, page: bool) -> None:
        refused = ""
        try:
            if action.kind == "run":
                call_command(f"{verb}_import", action.handle.pk, reason=self.reason, verbosity=0, stderr=_Nowhere())
            elif page and verb == "undo":
                confirm(self.client, reverse("admin:imports_edit_undo", args=[action.handle.pk]), {FIELD: self.reason})
            else:
                (undo_edit if verb == "undo" else redo_edit)(action.handle, self.user, reason=self.reason)
        except (CommandError, UndoRefusedError) as refusal:
            refused = str(refusal)
        self.expect_state(action, refused)

    def expect_state(self, action: Action, refused: str = "") -> None:
        """Assert that an action is undone in the site if it is in the model; *refused* says why the site did not."""
        action.handle = type(action.handle).objects.get(pk=action.handle.pk)
        undone = action.handle.status == "undone" if action.name == "run" else action.handle.is_undone
        assert undone == action.undone, f"{action.handle}: the site and the model do not agree: {refused}"

    def ask_to_undo(self, action: Action) -> Callable[[], None]:
        """Open the page of a run or an edit; return the form data that confirm its undo."""
        if action.kind == "run":
            address = reverse("admin:imports_importrun_undo", args=[action.handle.pk])
            page = self.client.get(address)
        else:
            address = reverse("admin:imports_edit_undo", args=[action.handle.pk])
            page = self.client.get(reverse("admin:imports_edit_change", args=[action.handle.pk]))
        return lambda: self.client.post(address, _hidden(page, {}) | {FIELD: self.reason})


def _hidden(page, data: dict) -> dict[str, str]:
    return {key: html.unescape(text) for key, text in HIDDEN.findall(page.text) if key not in data}


class _Nowhere:
    def write(self, *text) -> None:
        pass

    def isatty(self) -> bool:
        return False
