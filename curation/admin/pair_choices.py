"""The choices about pairs on the page of a preview: a checkbox for each pair, and a field for each row and record.

The name of a field says what its value is about: ``pair:people:6`` and ``same:people:6`` the pair of a record,
``record:people:12:people.csv`` the record of a new row, and ``line:people:6`` the line of a missing record.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied

from imports import likely_pairs, reports
from imports.engine import run_diff
from imports.engine.chosen_pairs import PairChoice
from imports.models import ImportRun
from imports.pair_choices import Choice, with_choices
from imports.rejected_rows import RejectedRowFormatter
from imports.run_diff_file import Entry, record_key, row_key

TABS = ("changed", "new", "missing", "kept")
OTHER_SIDE = {"new": "missing", "missing": "new"}
Shown = dict[str, Any]  # the field of an entry


def may_choose(run: ImportRun, user: User | AnonymousUser) -> bool:
    """Return whether *user* may choose the pairs of *run*, which is a preview that can be applied."""
    is_preview = run.status == ImportRun.Status.PREVIEWED and run.task_id is not None
    return is_preview and user.has_perm("imports.add_importrun")


def described(run: ImportRun) -> str:
    """Return the numbers of choices of *run*; an empty string if there are none."""
    made = sum(choice["paired"] for choice in run.pair_choices)
    counts = ((made, "paired"), (len(run.pair_choices) - made, "separated"))
    return ", ".join(f"{count:,} {what}" for count, what in counts if count)


def fields(
    run: ImportRun,
    tab: str,
    entries: Sequence[Entry],
    formatters: Mapping[str, RejectedRowFormatter],
    posted: Mapping[str, str],
) -> list[Shown]:
    """Return the field of each entry of a page of *tab*, with the *posted* values; an empty dict for no field.

    Only rows without a key and their records have fields, and only if there is a record or a row to choose.
    """
    if tab in ("changed", "kept"):
        return [_checkbox(entry, posted) if "pair" in entry else {} for entry in entries]
    keyless = {name for name, formatter in formatters.items() if not formatter.source.key}
    others = _others(run, tab, formatters) if any(entry["source"] in keyless for entry in entries) else []
    sources = {entry["source"] for entry in others} & keyless
    hidden = {name: formatter.hidden for name, formatter in formatters.items()}
    return [
        {**_field(entry, tab, posted), "suggestions": suggested} if entry["source"] in sources else {}
        for entry, suggested in zip(entries, likely_pairs.suggestions(entries, others, hidden), strict=True)
    ]


def compared(tab: str, sizes: Mapping[str, int | None]) -> str:
    """Return the number of rows or records among which the fields of *tab* suggest; an empty string for all."""
    size = sizes.get(OTHER_SIDE.get(tab, "")) or 0
    return f"{likely_pairs.MOST_COMPARED:,}" if size > likely_pairs.MOST_COMPARED else ""


def _others(run: ImportRun, tab: str, formatters: Mapping[str, RejectedRowFormatter]) -> list[Entry]:
    """Return the first missing records for the tab of new rows, and the first new rows for that of missing records."""
    unseen = [name for name, formatter in formatters.items() if formatter.restricted]
    entries = run_diff.entries(run, OTHER_SIDE[tab], unseen)
    first = list(entries[: likely_pairs.MOST_COMPARED]) if entries else []
    return run_diff.with_rows(run, first) if tab == "new" else first


def _checkbox(entry: Entry, posted: Mapping[str, str]) -> Shown:
    key = record_key(entry["source"], entry["record"])
    checked = f"pair:{key}" not in posted or f"same:{key}" in posted
    return {"pair": f"pair:{key}", "same": f"same:{key}", "checked": checked}


def _field(entry: Entry, tab: str, posted: Mapping[str, str]) -> Shown:
    row, record = row_key(entry["source"], entry["file"], entry["line"]), record_key(entry["source"], entry.get("pk"))
    name = f"record:{row}" if tab == "new" else f"line:{record}"
    return {"name": name, "value": posted.get(name, "")}


def posted_choices(run: ImportRun, user: User | AnonymousUser, posted: Mapping[str, str]) -> list[PairChoice]:
    """Return the choices of *run* with the posted ones, or none if *posted* withdraws them.

    Raises PairChoiceError if they do not fit the preview, and PermissionDenied if the user may not view its records.
    """
    if not reports.may_view_records(user, run.dataset):
        raise PermissionDenied
    if posted["choices"] == "withdraw":
        return []
    sent = []
    for name, value in posted.items():
        kind, _, key = name.partition(":")
        source, _, rest = key.partition(":")
        if kind == "pair" and f"same:{key}" not in posted:
            sent.append(Choice(source, rest))
        elif kind == "line" and value.strip():
            sent.append(Choice(source, rest, value.strip()))
        elif kind == "record" and value.strip():
            line, _, file = rest.partition(":")
            sent.append(Choice(source, value.strip(), line, file))
    return with_choices(run, sent, reports.unseen_sources(user, run.dataset))
