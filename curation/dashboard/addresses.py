"""Addresses of the pages that the dashboard links, or "" for pages that do not exist."""

from typing import Any

from django.db import models
from django.urls import NoReverseMatch, reverse

from datasets.registry import served_name


def page_or_none(name: str, *args: Any) -> str:
    """Return the address of the page *name*, or ""."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def list_of(model: type[models.Model]) -> str:
    """Return the address of the admin's list of *model*, or ""."""
    return page_or_none(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def chart_of_table(model: type[models.Model]) -> str:
    """Return the address of the charts of *model*, or ""."""
    path = served_name(model)
    return page_or_none("explore:chart", *path.split("/", 1)) if path else ""


def run_page(pk: int, tab: str = "") -> str:
    """Return the address of the page of a run, on one of its tabs."""
    return reverse("admin:imports_importrun_change", args=[pk]) + (f"?tab={tab}" if tab else "")
