"""Validation of the admin's URL parameters: canonical keys, pages and orders, and bounded searches."""

import re
from collections.abc import Callable
from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest, HttpResponse, QueryDict

from curation.admin import run_detail, run_search, worklist_page
from curation.admin.edit_filters import check_edits
from curation.admin.form_params import PostedError, check_posted
from curation.admin.neighbors import LIST
from curation.admin.object_keys import is_key
from datasets.http.error_responses import refused
from datasets.query_values import day, shown, whole_number
from datasets.records.columns import field_at
from datasets.records.filter_fields import MOST_VALUES
from datasets.records.search import MOST_WORDS, words_of
from datasets.registry import dataset_apps
from datasets.suggestions import suggest
from imports.resolved_rows import RowState
from imports.uploads import ImportForm

MOST_ORDERED = 5  # sort columns
ORDER = re.compile(r"-?(?:0|[1-9][0-9]?)(?:\.-?(?:0|[1-9][0-9]?))*", re.ASCII)
SEARCHES = (SEARCH_VAR, "term")  # of a list and of an autocomplete
PAGES = (PAGE_VAR, "page")
RUN_PARAMETERS = ("tab", "page", run_search.TEXT, run_search.COLUMN, LIST)
MOST_PAGES = 10**9


class CheckAdminAddress:
    """Middleware that returns 400 or 404 for admin URLs with invalid keys or parameters."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Check the record's key and the URL parameters."""
        match = request.resolver_match
        if match is None or match.app_name != "admin":
            return None
        page = match.url_name or ""
        admin = getattr(view, "model_admin", None)
        if admin and "object_id" in kwargs and not is_key(admin.model, unquote(kwargs["object_id"])):
            message = f"There is no {admin.opts.verbose_name} {shown(unquote(kwargs['object_id']))}."
            return refused(request, 404, message)
        # The list of a dataset's table reports invalid parameters itself.
        is_checked_later = page.endswith("_changelist") and getattr(admin, "lists_records", False)
        try:
            for name, values in request.GET.lists():
                for value in values:
                    _check(admin, name, value, is_checked_later=is_checked_later)
                    if check := OF_PAGES.get(page):
                        check(name, value)
        except ValueError as error:
            return refused(request, 400, f"{name}: {error}")
        try:
            check_posted(request, _admin_of(view))
        except PostedError as error:
            return refused(request, 400, str(error))
        return None


def _admin_of(view: Callable[..., Any]) -> ModelAdmin | None:
    """Return the admin of a view: an attribute of Django's own views, or the instance of a bound method."""
    admin = getattr(view, "model_admin", None) or getattr(getattr(view, "__wrapped__", None), "__self__", None)
    return admin if isinstance(admin, ModelAdmin) else None


def _check_import(name: str, value: str) -> None:
    """Raise ValueError for an unknown field or an unknown dataset of the import form."""
    if name not in ("run", "file") and (name not in ImportForm.base_fields or name == "files"):
        raise ValueError("Unknown parameter.")
    if name == "run":
        whole_number(value, 1, MOST_PAGES)
    if name == "dataset" and value and value not in dataset_apps():
        raise ValueError(f"Expected one of {', '.join(dataset_apps())}; found {shown(value)}.")


def _check_run(name: str, value: str) -> None:
    if name not in RUN_PARAMETERS:
        raise ValueError(f"Unknown parameter.{suggest(name, RUN_PARAMETERS)}")
    if name == "tab" and value and value not in run_detail.TABS:
        raise ValueError(f"Expected one of {', '.join(run_detail.TABS)}; found {shown(value)}.")
    if name in (run_search.TEXT, run_search.COLUMN) and len(value) > run_search.LONGEST:
        raise ValueError(f"Expected at most {run_search.LONGEST} characters, found {len(value):,}.")


def _check_worklist(name: str, value: str) -> None:
    if name not in (*worklist_page.FILTERS, "page"):
        raise ValueError("Unknown parameter.")
    if name == "state" and value not in RowState.values:
        raise ValueError(f"Expected one of {', '.join(RowState.values)}; found {shown(value)}.")


OF_PAGES = {
    "imports_importrun_import": _check_import,
    "imports_importrun_change": _check_run,
    "imports_edit_changelist": check_edits,
    "imports_rejectedrow_worklist": _check_worklist,
}


def _check(admin: ModelAdmin | None, name: str, value: str, *, is_checked_later: bool) -> None:
    """Raise ValueError for a parameter that is not canonical or exceeds a limit."""
    if name in SEARCHES and not is_checked_later and (count := len(words_of(value))) > MOST_WORDS:
        raise ValueError(f"Expected at most {MOST_WORDS} words, found {count}.")
    if name in PAGES and value and not is_checked_later:
        whole_number(value, 1, MOST_PAGES)
    for order in [value] if name == ORDER_VAR else QueryDict(value).getlist(ORDER_VAR) if name == LIST else []:
        _check_order(order)
    if name.endswith("__in") and not is_checked_later and (count := value.count(",") + 1) > MOST_VALUES:
        raise ValueError(f"Expected at most {MOST_VALUES} values, found {count}.")
    if admin and "__" in name and not is_checked_later:
        _check_lookup(admin.model, name, value)


def _check_order(text: str) -> None:
    if text and (not ORDER.fullmatch(text) or text.count(".") >= MOST_ORDERED):
        raise ValueError(f"Expected the numbers of at most {MOST_ORDERED} columns, such as 2.-1; found {shown(text)}.")


def _check_lookup(model: type[models.Model], name: str, value: str) -> None:
    path, _, lookup = name.rpartition("__")
    if lookup not in ("exact", "in", "gt", "gte", "lt", "lte"):
        return
    try:
        field = field_at(model, path)
    except (FieldDoesNotExist, AttributeError):
        return  # Django reports it
    for item in value.split(",") if lookup == "in" else [value]:
        if isinstance(field, models.IntegerField):
            whole_number(item)
        elif isinstance(field, models.DateField) and not isinstance(field, models.DateTimeField):
            day(item)
