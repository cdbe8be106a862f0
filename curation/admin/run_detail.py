"""Content of the run page: the counts, and in tabs every record that the run changed or would change."""

from collections.abc import Iterator, Mapping, Sized
from functools import cached_property, partial
from typing import Any

from django.contrib.admin.utils import quote
from django.contrib.auth.models import AnonymousUser, User
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.text import Truncator

from curation.admin import pair_choices, run_search
from curation.dashboard.addresses import list_of
from datasets import exact_json
from datasets.permissions import may
from datasets.records.masking import masked
from datasets.registry import dataset_apps
from datasets.text import visible
from imports import reports, worklist
from imports.engine import run_diff
from imports.engine.chosen_pairs import PairChoice
from imports.models import ImportRun, RejectedRow, SourceFile
from imports.rejected_rows import RejectedRowFormatter, line_file_name
from imports.run_diff_file import record_key, row_key
from imports.sources import Source, sources_of

TABS = {
    "changed": "Changed",
    "new": "New",
    "missing": "Missing",
    "kept": "Kept",
    "rejected": "Rejected",
}
SIDES = ("old", "new")
PER_PAGE = 50
IDENTIFYING = 3  # unchanged values that identify a changed record without a key
LONGEST = 40  # characters of an identifying value
DOWNLOADS = 20  # files whose download is offered
Entry = dict[str, Any]  # of a tab: a record or a rejected row
BREAKS = "\t\r\n"  # characters that the page shows unescaped
STOPPED = (ImportRun.Status.FAILED, ImportRun.Status.INTERRUPTED, ImportRun.Status.CANCELLED)


def counts(run: ImportRun, user: User | AnonymousUser) -> list[dict[str, Any]]:
    """Return the counts and files of each source, as far as *user* may view them, without counts of only 0.

    For a stopped run, return the rows that it has read and rejected; nothing if these are unknown.
    """
    sources: list[dict[str, Any]] = []
    unseen = reports.unseen_sources(user, run.dataset)
    models = {source.name: source.model for source in sources_of(run.dataset)} if run.dataset in dataset_apps() else {}
    lists = {name: list_of(model) for name, model in models.items() if may(user, "view", model)}
    shown = ("read", "rejected") if run.status in STOPPED else SourceFile.COUNTS
    for source, files in reports.by_source(run).items():
        totals = reports.totals(files, unseen)
        sources.append({"source": source, "address": lists.get(source), "files": files, "totals": totals})
    used = [name for name in shown if name == "read" or any(counted["totals"][name] for counted in sources)]
    for counted in sources:
        counted["counts"] = [(name.replace("_", " "), f"{counted['totals'][name]:,}") for name in used]
    if run.status in STOPPED and not any(counted["totals"]["read"] for counted in sources):
        return []
    return sources


def tabs(
    run: ImportRun,
    user: User | AnonymousUser,
    asked: Mapping[str, str],
    posted: Mapping[str, str],
) -> dict[str, Any]:
    """Return the tabs that *user* may view with their sizes, and one page of the chosen tab.

    *asked* has the tab, the page and the search. The fields of the entries have the *posted* values, if the user has
    posted the page.
    """
    entries_by_tab = _entries_for(run, user) if run.dataset in dataset_apps() else {}
    if not entries_by_tab:
        return {"tabs": [], "tab": None, "page": None}
    sizes = {name: None if entries is None else _size(entries) for name, entries in entries_by_tab.items()}
    first = next((name for name in entries_by_tab if sizes[name]), next(iter(entries_by_tab)))
    tab = wanted if (wanted := asked.get("tab", "")) in entries_by_tab else first
    readers = {source.name: RejectedRowFormatter(source, user) for source in sources_of(run.dataset)}
    entries, size, search = entries_by_tab[tab], sizes[tab], None
    if tab != "rejected" and (search := run_search.search_of(run, tab, asked, readers)):
        show = partial(_visible, readers=readers, tab=tab)
        entries = search.entries(run, tab, reports.unseen_sources(user, run.dataset), show)
        size = None if entries is None else len(entries)
    page = None if entries is None else _SizedPaginator(entries, size or 0).get_page(asked.get("page"))
    shown = _shown(run, user, tab, page, readers, posted) if page else []
    if sizes.get("missing"):  # the first of each source are listed
        sizes["missing"] = sum(run.files.values_list("missing", flat=True))
    return {
        "tabs": [{"name": n, "label": TABS[n], "size": f"{s:,}" if s is not None else None} for n, s in sizes.items()],
        "tab": tab,
        "page": page,
        "search": search,
        "entries": shown,
        "tables": _tables(shown) if tab in ("new", "missing") else [],
        "choosing": any(entry.get("field") for entry in shown),
        "paired": any("pair" in entry for entry in shown),
        "compared": pair_choices.compared(tab, sizes),
    }


def _shown(
    run: ImportRun,
    user: User | AnonymousUser,
    tab: str,
    page: Page,
    readers: dict[str, RejectedRowFormatter],
    posted: Mapping[str, str],
) -> list[Entry]:
    """Return the entries of a page as *user* may see them, with links to their records and fields for their pairs."""
    entries = list(page.object_list)
    if tab == "missing":
        entries = run_diff.with_rows(run, entries)
    shown = list(_rejected(entries, readers) if tab == "rejected" else _visible(entries, readers, tab))
    if tab in pair_choices.TABS:
        separate = _separate(run, tab)
        shown = [entry | {"separate": separate.get(_key(entry, tab))} for entry in shown]
        if pair_choices.may_choose(run, user):
            fields = pair_choices.fields(run, tab, entries, readers, posted)
            shown = [entry | {"field": field} for entry, field in zip(shown, fields, strict=True)]
    if tab != "new" or run.status in (ImportRun.Status.APPLIED, ImportRun.Status.UNDONE):
        shown = [entry | {"address": _history(entry, readers)} for entry in shown]
    return shown


def _entries_for(run: ImportRun, user: User | AnonymousUser) -> dict[str, Any]:
    """Return the entries of each tab, without the tabs that *user* may not view."""
    entries: dict[str, Any] = {}
    if reports.may_view_records(user, run.dataset):
        unseen = reports.unseen_sources(user, run.dataset)
        entries = {name: run_diff.entries(run, name, unseen) for name in TABS if name != "rejected"}
    if user.has_perm("imports.view_rejectedrow"):
        entries["rejected"] = reports.rejected_rows_of(run).select_related("file__run")
    return entries


def _history(entry: Entry, readers: dict[str, RejectedRowFormatter]) -> str | None:
    """Return the URL of the history of an entry's record; None for a rejected row."""
    key = entry.get("pk" if "values" in entry else "record")
    if key is None:
        return None
    meta = readers[entry["source"]].source.model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_history", args=[quote(key)])


def downloads(run: ImportRun) -> list[SourceFile]:
    """Return the first files of the run, each once although several sources may have read it."""
    files = run.files.order_by("pk")[:DOWNLOADS]
    return list({file.sha256: file for file in files}.values())


def is_of_a_file(run: ImportRun) -> bool:
    """Return whether a run failed because of the content of an uploaded file, so that repeating it would fail, too."""
    names = [f"{upload['name']}{after}" for upload in run.uploads for after in (",", ":", " fits")]
    return run.status == ImportRun.Status.FAILED and run.error.startswith(tuple(names))


class _SizedPaginator(Paginator[Any]):
    """The pages of entries whose number is known."""

    def __init__(self, entries: Any, size: int):
        super().__init__(entries, PER_PAGE)
        self.size = size

    @cached_property
    def count(self) -> int:
        return self.size


def _size(entries: QuerySet | Sized) -> int:
    return entries.count() if isinstance(entries, QuerySet) else len(entries)


def _visible(entries: list[Any], readers: dict[str, RejectedRowFormatter], tab: str) -> Iterator[Entry]:
    for entry in entries:
        may_see = readers[entry["source"]].may_see
        shown = dict(entry)
        if readers[entry["source"]].restricted:
            shown.pop("likeness", None)  # it depends on hidden cells, too
        if "cells" in entry:
            # Do not reveal whether a hidden cell differs: a file could be used to guess its value.
            shown["cells"] = [
                cell | {side: _readable(cell[side]) for side in SIDES}
                if may_see(cell["column"])
                else cell | {side: masked(cell[side]) for side in SIDES} | {"differs": False}
                for cell in entry["cells"]
                if tab != "kept" or may_see(cell["column"])
            ]
            shown["same"] = ", ".join(_identifying(shown["cells"], readers[entry["source"]].source))
            shown["cells"] = [cell for cell in shown["cells"] if cell["differs"]]
        row = entry.get("row", entry.get("values", {}))  # a missing record may have been deleted since
        shown["row"] = [(n, _readable(v) if may_see(n) else masked(v)) for n, v in row.items()]
        yield shown


def _identifying(cells: list[Entry], source: Source) -> list[str]:
    """Return the key of a changed record, or its first unchanged values if its source has no key."""
    same = [cell for cell in cells if not cell["differs"] and cell["new"] not in (None, "")]
    chosen = [cell for cell in same if cell["column"] in source.key] if source.key else same[:IDENTIFYING]
    return [Truncator(str(cell["new"])).chars(LONGEST) for cell in chosen]


def _readable(value: Any) -> Any:
    """Return a value in readable form: a document as JSON."""
    return exact_json.text(value) if isinstance(value, dict | list | exact_json.Undecoded) else value


def _separate(run: ImportRun, tab: str) -> dict[str, PairChoice]:
    """Return the choices of *run* that a row and a record are different, by the key of the row or of the record."""
    return {
        row_key(c["source"], c["file"], c["line"]) if tab == "new" else record_key(c["source"], c["record"]): c
        for c in run.pair_choices
        if not c["paired"]
    }


def _key(entry: Entry, tab: str) -> str:
    """Return the key of the row of a new record, or that of another record."""
    if tab == "new":
        return row_key(entry["source"], entry["file"], entry["line"])
    return record_key(entry["source"], entry["record"])


def _tables(entries: list[Entry]) -> list[dict[str, Any]]:
    """Return one table per source: its columns, and one entry per record."""
    tables: dict[str, dict[str, Any]] = {}
    for entry in entries:
        columns = [name for name, _ in entry["row"]]
        table = tables.setdefault(entry["source"], {"source": entry["source"], "columns": columns, "entries": []})
        table["entries"].append(entry | {"values": [value for _, value in entry["row"]]})
    return list(tables.values())


def _rejected(rows: list[RejectedRow], readers: dict[str, RejectedRowFormatter]) -> Iterator[Entry]:
    resolutions = worklist.resolutions(rows[0].file.run.dataset, rows) if rows else {}
    for row in rows:
        reader = readers.get(row.file.source)
        if reader is None:
            continue
        cells = reader.cells(row)
        yield {
            "source": row.file.source,
            "file": line_file_name(row.file),
            "line": row.line,
            "file_pk": row.file_id,
            "cells": [
                c | {name: visible(c[name], BREAKS) for name in ("heading", "value") if isinstance(c[name], str)}
                for c in cells
            ],
            "raw": visible(raw, BREAKS) if (raw := reader.raw(row)) else raw,
            "others": reader.others(row),
            "resolution": resolutions.get(bytes(row.identity)),
        }
