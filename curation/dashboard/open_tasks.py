"""The open tasks of a curator: previews, rejected rows, corrections that differ from their file, and failed runs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from django.db.models import Q
from django.template.defaultfilters import pluralize
from django.urls import reverse

from curation.dashboard.addresses import run_page
from datasets.records.masking import Viewer
from imports import reports
from imports.models import ImportRun, SourceFile
from imports.worklist import AT_MOST, count_open

Status = ImportRun.Status
STOPPED = (Status.FAILED, Status.INTERRUPTED)
NEWEST = 200  # runs after the last applied one that are looked at
PREVIEWS = 3  # of one dataset


@dataclass(frozen=True)
class Task:
    """An open task in a dataset, and the button that opens its page."""

    dataset: str
    kind: str
    text: str
    button: str
    address: str
    run: ImportRun | None = None


def open_tasks(user: Viewer, names: Mapping[str, str], applied: Mapping[str, int]) -> Iterator[Task]:
    """Yield the open tasks of *user* in datasets, given by label and name, with the last *applied* run of each."""
    newer = list(_newer_runs(names, applied))
    kept = _kept(user, applied)
    for dataset, name in names.items():
        yield from _of_runs(user, name, [run for run in newer if run.dataset == dataset])
        if user.has_perm("imports.view_rejectedrow") and (count := count_open(dataset)):
            number = f"{AT_MOST:,}+" if count > AT_MOST else f"{count:,}"
            address = reverse("admin:imports_rejectedrow_worklist", args=[dataset])
            yield Task(name, "rejected", f"{number} open rejected row{pluralize(count)}", "Fix", address)
        run = applied.get(dataset, 0)
        if count := kept.get(run, 0):
            differ = "record kept although the file differs" if count == 1 else "records kept although the files differ"
            yield Task(name, "kept", f"{count:,} {differ} (run {run})", "Compare", run_page(run, "kept"))


def _of_runs(user: Viewer, name: str, runs: list[ImportRun]) -> Iterator[Task]:
    """Yield the tasks of a dataset's runs after the last applied one, newest first.

    Previews appear only for users who may apply them; command-line previews cannot be applied here. A failed run
    appears until a later run is completed.
    """
    if user.has_perm("imports.add_importrun"):
        for run in islice((run for run in runs if run.status == Status.PREVIEWED and run.task_id), PREVIEWS):
            yield Task(name, "preview", f"Run {run.pk} is ready to review", "Review", run_page(run.pk), run)
    if runs and (run := runs[0]).status in STOPPED:
        ended = "failed" if run.status == Status.FAILED else "was interrupted"
        yield Task(name, "failed", f"Run {run.pk} {ended}", "Show reason", run_page(run.pk), run)


def _newer_runs(names: Iterable[str], applied: Mapping[str, int]) -> Iterable[ImportRun]:
    """Return the completed runs after the last applied one of each dataset, newest first."""
    newer = Q(pk__in=[])
    for dataset in names:
        newer |= Q(dataset=dataset, pk__gt=applied.get(dataset, 0))
    runs = ImportRun.objects.filter(newer, status__in=[Status.PREVIEWED, *STOPPED])
    return runs.select_related("started_by").order_by("-pk")[:NEWEST]


def _kept(user: Viewer, applied: Mapping[str, int]) -> dict[int, int]:
    """Return the number of corrections that *applied* runs kept, by run, as far as *user* may see them."""
    unseen, kept = reports.unseen_sources(user, *applied), dict[int, int]()
    for file in SourceFile.objects.filter(run__in=applied.values(), kept__gt=0):
        kept[file.run_id] = kept.get(file.run_id, 0) + reports.counts(file, unseen)["kept"]
    return kept
