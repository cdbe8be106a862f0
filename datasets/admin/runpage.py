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
STOPPED = (ImportRun.Status.FAILED, ImportRun.Status.INTERRUPTED, ImportRun.Status.CANCELLED)


def counts(run: ImportRun) -> list[dict]:
    """Return the counts of each source, with its files; of a run that was stopped, what it has read."""
    told = []
    shown = ("read", "rejected") if run.status in STOPPED else COUNTED
    for source, files in reports.by_source(run).items():
        totals = reports.totals(files)
        told.append({"source": source, "files": files, "counts": [(name, totals[name]) for name in shown]})
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
    tables = _tables(shown) if tab in ("new", "missing") else []
    listed = [{"name": name, "label": label, "size": sizes[name]} for name, label in TABS.items()]
    return {"tabs": listed, "tab": tab, "page": page, "entries": shown, "tables": tables}


def is_of_a_file(run: ImportRun) -> bool:
    """Tell whether a run failed because of what is in an uploaded file, which will be there the next time, too."""
    names = [f"{upload['name']}{after}" for upload in run.uploads for after in (",", ":", " fits")]
    return run.status == ImportRun.Status.FAILED and run.error.startswith(tuple(names))


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
        if "values" in entry:  # of a missing record, by stored column
            columns = {column.stored_as: name for name, column in readers[entry["source"]].source.bound.items()}
            cells = [(columns.get(stored, stored), value) for stored, value in entry["values"].items()]
            told["row"] = [(n, v if may_see(n) else masked(v)) for n, v in cells]
        elif "row" in entry:
            told["row"] = [(n, v if may_see(n) else masked(v)) for n, v in entry["row"].items()]
        yield told


def _tables(entries: list[dict]) -> list[dict]:
    """Return entries as one table for each source: its columns, and a row for each record."""
    tables: dict[str, dict] = {}
    for entry in entries:
        columns = [name for name, _ in entry["row"]]
        table = tables.setdefault(entry["source"], {"source": entry["source"], "columns": columns, "entries": []})
        table["entries"].append(entry | {"values": [value for _, value in entry["row"]]})
    return list(tables.values())


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
