"""Save conflicts: a record changed while a user edited it. The user chooses between typed and stored values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import models
from django.http import QueryDict

from curation.history.editable_fields import own_fields, stored_name
from curation.history.timeline import Readable, Row, changes_of, stored_row
from datasets.records.masking import Viewer

SEEN = "_seen"  # form field with the record's last change at the time of rendering
CHOICE = "_choose_{}"  # form field with the choice for a model field: TYPED or STORED
TYPED, STORED = "typed", "stored"
MESSAGE = (
    "Someone else changed this record while you were editing. Nothing was saved. Choose a value for each field under "
    "“Conflicting changes”, and save again."
)


@dataclass(frozen=True)
class FieldConflict:
    """A field whose stored value changed meanwhile, in readable form; *is_untouched* if the user has not changed it."""

    label: str
    choice: str
    opened: str | None
    typed: str | None
    stored: str | None
    is_untouched: bool


class SaveConflict:
    """The rows of a record as the user opened it and as it is now."""

    def __init__(self, model: type[models.Model], opened: Row, stored: Row, user: Viewer):
        self.model, self.opened, self.stored, self.user = model, opened, stored, user

    def fields(self, form: forms.ModelForm) -> Iterator[FieldConflict]:
        """Yield the fields of the bound *form* whose typed value differs from a value stored meanwhile."""
        changed = {field.name: field for field in own_fields(self.model) if self._has_changed(field)}
        typed = {stored_name(f): _stored(form.cleaned_data[n]) for n, f in changed.items() if n in form.cleaned_data}
        readable = Readable(self.model, self.user, [self.opened, self.stored, typed])
        for name in form.fields:
            if name in changed and name in form.changed_data:
                field, column = changed[name], stored_name(changed[name])
                value = readable.value(field, typed[column]) if column in typed else str(form[name].data or "")
                opened = self.opened.get(column)
                initial = opened if field.is_relation else field.to_python(opened)
                yield FieldConflict(
                    str(field.verbose_name),
                    CHOICE.format(name),
                    readable.value(field, opened),
                    value,
                    readable.value(field, self.stored.get(column)),
                    is_untouched=not form.fields[name].has_changed(initial, form[name].data),
                )

    def _has_changed(self, field: models.Field) -> bool:
        return self.opened.get(stored_name(field)) != self.stored.get(stored_name(field))

    def __bool__(self) -> bool:
        return any(self._has_changed(field) for field in own_fields(self.model))


def save_conflict(
    model: type[models.Model], key: Any, posted: QueryDict, last: str, user: Viewer
) -> SaveConflict | None:
    """Return the conflict of a posted form with the record *key*, whose *last* change it may not have seen."""
    seen = posted.get(SEEN, last)
    if seen == last or not seen.isdecimal():
        return None
    first = changes_of(model, key).filter(pk__gt=int(seen[:18])).first()
    now = stored_row(model, key)
    if first is None or first.before is None or now is None:
        return None
    return SaveConflict(model, first.before, now, user) or None


def keep_stored(form: type[forms.ModelForm], posted: QueryDict) -> None:
    """Let *form* keep the stored value of each field for which the user has chosen it."""
    for name, field in form.base_fields.items():
        field.disabled = field.disabled or posted.get(CHOICE.format(name)) == STORED


def refusing(form: type[forms.ModelForm], conflict: SaveConflict) -> type[forms.ModelForm]:
    """Return *form* with an error if *conflict* concerns one of its fields."""

    def clean(self: forms.ModelForm) -> Any:
        cleaned = form.clean(self)
        if any(True for _ in conflict.fields(self)):
            self.add_error(None, MESSAGE)
        return cleaned

    return type(form.__name__, (form,), {"clean": clean})


def chosen(posted: QueryDict) -> list[str]:
    """Return the form fields with the user's choice of stored values, which the next form must repeat."""
    prefix = CHOICE.format("")
    return [name for name, value in posted.items() if name.startswith(prefix) and value == STORED]


def _stored(value: Any) -> Any:
    """Return a cleaned value as a stored row has it: keys for records."""
    if isinstance(value, models.QuerySet | list | tuple):
        return sorted(getattr(member, "pk", member) for member in value)
    return getattr(value, "pk", value)
