"""Respondents counted by group: how many are over 50K of how many, and whether that is enough to speak of."""

from collections.abc import Iterable

from django.db.models import Count, Q, QuerySet

from census.insights.intervals import Share
from census.models import Respondent

LEAST = 30  # respondents that a group must have before its share is worth telling
RICH = Count("pk", filter=Q(income_over_50k=True))

Answer = tuple[str, dict]


class InsufficientDataError(Exception):
    """The respondents do not suffice for an answer; the message says of whom how many were found."""


def require(groups: dict[str, int], least: int = LEAST) -> None:
    """Raises InsufficientDataError unless each of the groups has at least so many."""
    if few := [f"{count:,} {name}" for name, count in groups.items() if count < least]:
        raise InsufficientDataError(f"expected at least {least} in each group, found {' and '.join(few)}.")


def shares_over_50k(respondents: QuerySet[Respondent], *by: str) -> dict[tuple, Share]:
    """Return the share over 50K of each group that these columns make."""
    rows = respondents.order_by().values_list(*by).annotate(count=Count("pk"), rich=RICH)
    return {tuple(group): Share(rich, count) for *group, count, rich in rows}


def total(shares: Iterable[Share]) -> Share:
    """Return the share of all of them together."""
    shares = list(shares)
    return Share(sum(share.count for share in shares), sum(share.of for share in shares))
