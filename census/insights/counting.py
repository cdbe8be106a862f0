"""Counts of respondents by group: the share over 50K, and the minimum size of a group."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Q, QuerySet

from census.insights.intervals import Share
from census.models import Respondent

LEAST = 30  # respondents: the share of a smaller group is not reported
RICH = Count("pk", filter=Q(income_over_50k=True))

Answer = tuple[str, dict[str, Any]]  # a sentence, and its figures


class InsufficientDataError(Exception):
    """There are too few respondents for an answer; the message names the groups and their sizes."""


def require(groups: dict[str, int], least: int = LEAST) -> None:
    """Raise InsufficientDataError unless each group has at least the minimum number of respondents."""
    if few := [f"{count:,} {name}" for name, count in groups.items() if count < least]:
        raise InsufficientDataError(f"expected at least {least} in each group, found {' and '.join(few)}.")


def shares_over_50k(respondents: QuerySet[Respondent], *by: str) -> dict[tuple[Any, ...], Share]:
    """Return the share over 50K in each group by these columns."""
    rows = respondents.order_by().values_list(*by).annotate(count=Count("pk"), rich=RICH)
    return {tuple(group): Share(rich, count) for *group, count, rich in rows}


def total(shares: Iterable[Share]) -> Share:
    """Return the share of all groups together."""
    shares = list(shares)
    return Share(sum(share.count for share in shares), sum(share.of for share in shares))
