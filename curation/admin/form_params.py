"""Validation of the admin's form parameters: canonical keys, field names, and one value per single-valued field."""

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import TO_FIELD_VAR, ModelAdmin
from django.db import models
from django.http import HttpRequest, QueryDict

from curation.admin.object_keys import is_key
from datasets.fields import related_model
from datasets.http.upload_paths import is_upload
from datasets.models import Record, Vocabulary
from datasets.query_values import shown

ACROSS = "select_across"  # parameter of a list's actions: "1" means all matches, not only the selected rows


class PostedError(Exception):
    """An invalid form parameter; the message names the field."""


def check_posted(request: HttpRequest, admin: ModelAdmin | None) -> None:
    """Raise PostedError for parameters that no page of the admin sends."""
    receives_files = is_upload(request.method or "", request.path_info)
    for params in (request.GET,) if receives_files else (request.GET, request.POST):
        for name in params.getlist(TO_FIELD_VAR):
            if admin is not None and not _is_referred_to(request, admin, name):
                raise PostedError(f"{TO_FIELD_VAR}: Expected a field that other tables refer to, found {shown(name)}.")
    if request.method != "POST" or receives_files:
        return
    check_single(request.POST, _several(request, admin))
    if request.POST.get(ACROSS, "0") not in ("", "0", "1"):
        raise PostedError(f"{ACROSS}: Expected 1 for all matches or 0, found {shown(request.POST[ACROSS])}.")
    if admin is None:
        return
    _expect_keys(ACTION_CHECKBOX_NAME, request.POST, admin.model)
    if not issubclass(admin.model, Record | Vocabulary):  # the forms of these validate it themselves
        for field in admin.opts.many_to_many:
            _expect_keys(field.name, request.POST, related_model(field))


def _expect_keys(name: str, posted: QueryDict, model: type[models.Model]) -> None:
    for key in posted.getlist(name):
        if not is_key(model, key):
            expected = f"Expected the key of one of the {model._meta.verbose_name_plural}, found {shown(key)}."
            raise PostedError(f"{name}: {expected} Nothing was changed.")


def check_single(posted: QueryDict, several: set[str]) -> None:
    """Raise PostedError for a repeated field, except for the multi-valued fields *several*."""
    for name, values in posted.lists():
        if len(values) > 1 and name not in several:
            raise PostedError(f"{shown(name)}: Expected one value, found {len(values)}. Nothing was changed.")


def _several(request: HttpRequest, admin: ModelAdmin | None) -> set[str]:
    if admin is None:
        return set()
    names = {field.name for field in admin.opts.many_to_many}
    if request.POST.get("field") in names:  # of a bulk edit
        names.add("value")
    # For each multiple choice, the admin's script adds a second list with the options that are not selected.
    return {ACTION_CHECKBOX_NAME, "columns", *names, *(f"{name}_old" for name in names)}


def _is_referred_to(request: HttpRequest, admin: ModelAdmin, name: str) -> bool:
    return name in {field.name for field in admin.opts.concrete_fields} and admin.to_field_allowed(request, name)
