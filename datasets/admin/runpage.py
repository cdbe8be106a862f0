"""What the page of a run shows: its counts, and every record that it changed or would change, in tabs."""

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet

from datasets import outcomes, reports
from datasets.models import ImportRun, RejectedRow
from datasets.personal import masked
from datasets.rejected import Reader
from datasets.sources import dataset_apps, sources_of

COUNTED = ("read", "created", "updated", "unchanged", "repeated", "rejected", "missing", "removed", "kept")
TABS = {
    "changed": "Changed",
    "new": "New",
    "missing": "Missing",
    "kept": "Kept corrections",
    "rejected": "Rejected",
}
PER_PAGE = 50


def counts(run: ImportRun) -> list[dict]:
    """Return the counts of each source, with its files."""
    told = []
    for source, files in reports.by_source(run).items():
        totals = reports.totals(files)
        told.append({"source": source, "files": files, "counts": [(name, totals[name]) for name in COUNTED]})
    return told


def tabs(run: ImportRun, user, chosen: str | None, number: str | None) -> dict[str, Any]:
    """Return the tabs with their sizes, and the page of the one that is chosen; each is complete."""
    if run.dataset not in dataset_apps():
        return {"tabs": [], "tab": None, "page": None}
    found: dict[str, Any] = {name: outcomes.entries(run, name) for name in TABS if name != "rejected"}
    found["rejected"] = RejectedRow.objects.filter(file__run=run).select_related("file").order_by("file", "line", "pk")
    sizes = {name: None if entries is None else _size(entries) for name, entries in found.items()}
    tab = chosen if chosen in TABS else next((name for name in TABS if sizes[name]), "changed")
    entries = found[tab]
    page = None if entries is None else Paginator(_Sized(entries, sizes[tab]), PER_PAGE).get_page(number)
    readers = {source.name: Reader(source, user) for source in sources_of(run.dataset)}
    shown = list((_rejected if tab == "rejected" else _visible)(page, readers)) if page else []
    listed = [{"name": name, "label": label, "size": sizes[name]} for name, label in TABS.items()]
    return {"tabs": listed, "tab": tab, "page": page, "entries": shown}


class _Sized:
    """Entries whose number is known."""

    def __init__(self, entries, size: int):
        self.entries, self.size = entries, size

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, part: slice):
        return self.entries[part]


def _size(entries) -> int:
    return entries.count() if isinstance(entries, QuerySet) else len(entries)


def _visible(page: Page, readers: dict[str, Reader]) -> Iterator[dict]:
    for entry in page.object_list:
        may_see = readers[entry["source"]].may_see
        told = dict(entry)
        if "cells" in entry:
            told["cells"] = [
                c | ({} if may_see(c["column"]) else {"old": masked(c["old"]), "new": masked(c["new"])})
                for c in entry["cells"]
            ]
        if "row" in entry:
            told["row"] = [(n, v if may_see(n) else masked(v)) for n, v in entry["row"].items()]
        yield told


def _rejected(page: Page, readers: dict[str, Reader]) -> Iterator[dict]:
    for row in page.object_list:
        reader = readers.get(row.file.source)
        if reader is None:
            continue
        cells = reader.cells(row)
        yield {
            "source": row.file.source,
            "file": row.file.name,
            "line": row.line,
            "cells": cells,
            "raw": None if cells else reader.raw(row),
            "others": reader.others(row),
        }
