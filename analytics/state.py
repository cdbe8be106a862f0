"""The state of each dataset's copy, which the database stores beside the version of the dataset."""

from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Any

from django.db import transaction

from analytics.options import options
from datasets.models import Version
from datasets.registry import dataset_apps
from imports.models import ImportRun


@dataclass(frozen=True)
class CopyState:
    """The state of a dataset's copy in the database.

    *shows* is the version in the copy, or None without a copy. *changed* is the dataset's version, *problem* why the
    last copy failed, and *copied_at* the time of the last copy.
    """

    dataset: str
    shows: int | None
    changed: int
    problem: str
    copied_at: datetime | None

    @property
    def is_behind(self) -> bool:
        return self.shows != self.changed

    @property
    def behind_since(self) -> datetime | None:
        """The time of the dataset's last change if the copy does not have it."""
        return datetime.fromtimestamp(self.changed / 1e6, UTC) if self.is_behind else None


def states() -> list[CopyState]:
    """Return the state of the copy of each dataset with data, with one query."""
    stored = {version.name: version for version in Version.objects.all()}
    found = []
    for dataset in dataset_apps():
        version, copy = stored.get(dataset), stored.get(_name(dataset))
        if version is not None:
            at = datetime.fromtimestamp(copy.number / 1e6, UTC) if copy and copy.shows is not None else None
            found.append(
                CopyState(dataset, copy.shows if copy else None, version.number, copy.problem if copy else "", at)
            )
    return found


def due() -> list[str]:
    """Return the datasets to copy now: without a copy, with a run since the last copy, or with edits for a while."""
    oldest = datetime.now(UTC).timestamp() - 60 * options().minutes
    return [
        state.dataset
        for state in states()
        if state.is_behind
        and (
            state.copied_at is None
            or state.shows is None
            or state.copied_at.timestamp() <= oldest
            or ImportRun.objects.filter(dataset=state.dataset, version__gt=state.shows).exists()
        )
    ]


def shown_version(dataset: str) -> int | None:
    """Return the version of *dataset* that its copy has, or None without a copy."""
    return Version.objects.filter(pk=_name(dataset)).values_list("shows", flat=True).first()


def store(dataset: str, **state: Any) -> None:
    """Store the version that the copy *shows*, or the *problem* of the last attempt."""
    now = int(time() * 1e6)
    state = {"problem": "", "number": now, **state} if "shows" in state else state
    with transaction.atomic():
        Version.objects.update_or_create(pk=_name(dataset), defaults=state, create_defaults={"number": now, **state})


def _name(dataset: str) -> str:
    return f"copy of {dataset}"
