"""Requests of each client, counted in the database for all processes of all hosts (API_RATES_SHARED)."""

import time

from django.conf import settings
from django.db import connection

from datasets.models import RequestRate

# One statement, so that requests that arrive together are all counted. It returns no row if the request is too early.
COUNT = """
INSERT INTO request_rates AS r (client, arrival) VALUES (%(client)s, {now} + %(interval)s)
ON CONFLICT (client) DO UPDATE SET arrival = {latest}(r.arrival, {now}) + %(interval)s
WHERE {latest}(r.arrival, {now}) + %(interval)s - {now} <= %(most)s
RETURNING arrival
"""
CLOCKS_DIFFER = 60  # seconds, at most, between the clocks of two hosts
BY_ENGINE = {  # PostgreSQL's clock, because the clocks of hosts differ
    "postgresql": {"now": "extract(epoch FROM statement_timestamp())::float", "latest": "GREATEST"},
    "sqlite": {"now": "%(now)s", "latest": "MAX"},
}


def too_early(client: str, interval: float, duration: float, tolerance: float) -> float:
    """Count a request of *client*, and return 0 if it is within the rate, or else the seconds until the next request.

    The rate is a request each *interval* seconds, and as many at once as fit in *duration*. Raises DatabaseError.
    """
    terms = BY_ENGINE[connection.vendor]
    values: dict[str, float | str] = {"client": client, "interval": interval, "most": duration + tolerance}
    if connection.vendor == "sqlite":
        values["now"] = time.time()
    with connection.cursor() as cursor:
        cursor.execute(COUNT.format(**terms), values)
        if cursor.fetchone():
            return 0
        wait = "SELECT arrival + %(interval)s - {now} - %(most)s FROM request_rates WHERE client = %(client)s"
        cursor.execute(wait.format(**terms), values)
        row = cursor.fetchone()
    return max(row[0], tolerance) if row else 0


def delete_unused() -> None:
    """Delete the counts that no longer limit their clients, if rates are shared."""
    if settings.API_RATES_SHARED:
        RequestRate.objects.filter(arrival__lt=time.time() - CLOCKS_DIFFER).delete()
