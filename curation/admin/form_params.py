"""What forms of the admin may send: keys in one spelling, names of fields, and one value for a field that holds one."""

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import TO_FIELD_VAR, ModelAdmin
from django.db import models
from django.http import HttpRequest, QueryDict

from curation.admin.object_keys import is_key
from datasets.http.upload_paths import is_upload
from datasets.models import Lookup, Record
from datasets.query_values import shown

ACROSS = "select_across"  # of a list's actions: "1" is all that match, not only what is ticked


class PostedError(Exception):
    """What a form sends and cannot be used: a sentence that names the field."""


def check_posted(request: HttpRequest, admin: ModelAdmin | None) -> None:
    """Raise PostedError for a form, or an address with a field's name, that no page of the admin sends."""
    for told in (request.GET, request.POST) if not is_upload(request.method, request.path_info) else (request.GET,):
        for name in told.getlist(TO_FIELD_VAR) if admin else ():
            if not _is_referred_to(request, admin, name):
                raise PostedError(f"{TO_FIELD_VAR}: Expected a field that others refer to, found {shown(name)}.")
    if request.method != "POST" or is_upload(request.method, request.path_info):
        return
    check_single(request.POST, _several(request, admin))
    if request.POST.get(ACROSS, "0") not in ("", "0", "1"):
        raise PostedError(f"{ACROSS}: Expected 1 for all that match or 0, found {shown(request.POST[ACROSS])}.")
    if admin is None:
        return
    _expect_keys(ACTION_CHECKBOX_NAME, request.POST, admin.model)
    if not issubclass(admin.model, Record | Lookup):  # whose forms tell it themselves
        for field in admin.opts.many_to_many:
            _expect_keys(field.name, request.POST, field.related_model)


def _expect_keys(name: str, posted: QueryDict, model: type[models.Model]) -> None:
    for key in posted.getlist(name):
        if not is_key(model, key):
            said = f"Expected the key of a {model._meta.verbose_name}, found {shown(key)}. Nothing was changed."
            raise PostedError(f"{name}: {said}")


def check_single(posted: QueryDict, several: set[str]) -> None:
    """Raise PostedError for a field that is sent more than once, but for those that hold *several* values."""
    for name, values in posted.lists():
        if len(values) > 1 and name not in several:
            raise PostedError(f"{shown(name)}: Expected one value, found {len(values)}. Nothing was changed.")


def _several(request: HttpRequest, admin: ModelAdmin | None) -> set[str]:
    if admin is None:
        return set()
    names = {field.name for field in admin.opts.many_to_many}
    if request.POST.get("field") in names:  # of a change of many
        names.add("value")
    # Beside each list to choose from, the admin's script keeps one of those that are not chosen.
    return {ACTION_CHECKBOX_NAME, *names, *(f"{name}_old" for name in names)}


def _is_referred_to(request: HttpRequest, admin: ModelAdmin, name: str) -> bool:
    return name in {field.name for field in admin.opts.concrete_fields} and admin.to_field_allowed(request, name)
