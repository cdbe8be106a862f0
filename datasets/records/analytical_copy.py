"""The analytical copy as another engine for aggregation: the setting ANALYTICS names its executor.

Each question has one description (records, groupings and measures) and two executors with equal answers: the database,
and the copy. The copy answers only if it has the dataset's current version and supports the question.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string

from datasets.records.columns import ListedColumn
from datasets.records.grouping import Grouping, Measure


class Executor(Protocol):
    """Answers questions about records from the copy. Each method returns None if the database has to answer.

    All methods raise QueryTimeError if the time limit of the request's queries is exceeded.
    """

    def groups(
        self,
        records: models.QuerySet[Any],
        by: Sequence[Grouping],
        measured: Sequence[Measure],
        ordering: Sequence[str],
        limit: int | None,
    ) -> list[tuple[Any, ...]] | None:
        """Return the groups of a summary, with the values of the database before they are read."""

    def distribution(
        self, records: models.QuerySet[Any], column: ListedColumn, *, ordered: bool
    ) -> tuple[Any, ...] | None:
        """Return the numbers of records, of missing and of distinct values of *column*.

        If it is *ordered*, the minimum, the two values around each quartile, and the maximum follow.
        """

    def extent(self, records: models.QuerySet[Any], column: ListedColumn) -> tuple[Any, Any] | None:
        """Return the minimum and the maximum of *column*."""

    def counts_between(
        self, records: models.QuerySet[Any], column: ListedColumn, ends: Sequence[tuple[Any, Any]]
    ) -> list[int] | None:
        """Return the number of records with a value between each pair of *ends*, which belong to the range."""

    def counts_of(self, records: models.QuerySet[Any], path: str) -> Counter[Any] | None:
        """Return the number of records with each value of the column *path*."""

    def count(self, records: models.QuerySet[Any]) -> int | None:
        """Return the number of records."""


def copy_executor() -> Executor | None:
    """Return the executor of the analytical copy, or None if the site has no copy."""
    if settings.ANALYTICS is None:
        return None
    executor: Executor = import_string(settings.ANALYTICS.executor)
    return executor
