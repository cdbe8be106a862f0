"""Metrics about the read replica, read from both servers at each scrape: whether it responds, and its lag."""

from collections.abc import Iterator
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from prometheus_client.core import GaugeMetricFamily, Metric

from datasets.read_only import REPLICA

# The time of the last replayed transaction is the lag only if there is more to replay.
LAG = """
    SELECT bytes, CASE WHEN bytes = 0 THEN 0 ELSE seconds END FROM (
        SELECT GREATEST(%s::pg_lsn - pg_last_wal_replay_lsn(), 0) AS bytes,
               EXTRACT(EPOCH FROM clock_timestamp() - pg_last_xact_replay_timestamp()) AS seconds
    ) AS lag
"""


class ReplicaCollector:
    """Collects the metrics of the replica. If one of the servers does not respond, there is no lag."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("tabularium_replica_up", "1 if the read replica responds.")
        size = GaugeMetricFamily("tabularium_replica_lag_bytes", "Bytes of changes that the replica does not have yet.")
        lag = GaugeMetricFamily("tabularium_replica_lag_seconds", "Age of the newest change that the replica has.")
        try:
            up.add_metric([], _answer(REPLICA, "SELECT 1")[0])
            position = _answer(DEFAULT_DB_ALIAS, "SELECT pg_current_wal_lsn()::text")
            for metric, number in zip((size, lag), _answer(REPLICA, LAG, *position), strict=True):
                if number is not None:  # as on a server that is not a standby
                    metric.add_metric([], float(number))
        except (DatabaseError, InterfaceError):
            if not up.samples:
                up.add_metric([], 0)
        finally:
            for alias in (DEFAULT_DB_ALIAS, REPLICA):
                if not connections[alias].in_atomic_block:
                    connections[alias].close()
        return iter([up, size, lag])


def _answer(alias: str, statement: str, *parameters: str) -> tuple[Any, ...]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement, parameters)
        row: tuple[Any, ...] = cursor.fetchone()
        return row
