"""Metrics of the analytical copy, from its state in the database."""

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from analytics.state import CopyState, states


class CopyCollector:
    """Collects the age of each dataset's copy, and how long the copy has been behind. Nothing without a database."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            found = states()
        except (DatabaseError, InterfaceError):
            found = []
        finally:
            if not connection.in_atomic_block:
                connection.close()
        return iter(_metrics(found))


def _metrics(found: list[CopyState]) -> list[Metric]:
    now = timezone.now()
    age = GaugeMetricFamily(
        "tabularium_copy_age_seconds", "Seconds since the last analytical copy of a dataset.", labels=["dataset"]
    )
    behind = GaugeMetricFamily(
        "tabularium_copy_behind_seconds",
        "Seconds for which a copy has been out of date.",
        labels=["dataset"],
    )
    failed = GaugeMetricFamily(
        "tabularium_copy_failed", "1 if the last attempt to copy a dataset failed.", labels=["dataset"]
    )
    for state in found:
        if state.copied_at:
            age.add_metric([state.dataset], max(0.0, (now - state.copied_at).total_seconds()))
        late = (now - state.behind_since).total_seconds() if state.behind_since else 0
        behind.add_metric([state.dataset], max(0.0, late))
        failed.add_metric([state.dataset], 1 if state.problem else 0)
    return [age, behind, failed]
