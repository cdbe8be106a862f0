"""Prometheus scrapes every replica, and its counts equal the requests."""

import time

from tests.stack.stack import until

ASKED = 37
COMPOUNDS = 'sum(tabularium_table_queries_total{job="web",table="compounds",verb="select"})'


def test_prometheus_scrapes_every_target(stack, show):
    up = lambda job: stack.prometheus(f'sum(up{{job="{job}"}})')  # noqa: E731
    until(lambda: (up("web"), up("worker")) == (2, 1), "Prometheus sees two replicas and a worker")
    rules = stack.run(
        "docker", "compose", "exec", "-T", "prometheus", "wget", "-qO-", "http://localhost:9090/api/v1/rules"
    )
    show("web", up("web"), "worker", up("worker"), "rules:", rules.stdout.count('"alerting"'))
    assert rules.stdout.count('"type":"alerting"') >= 5


def test_prometheus_counts_the_queries_of_a_table(stack, show):
    number = stack.api("/api/experiments/compounds/?page_size=1")["results"][0]["compound_id"]
    before = _settled(stack)
    for _ in range(ASKED):
        stack.api(f"/api/experiments/compounds/{number}/")
    after = _settled(stack)
    show(f"{COMPOUNDS}: {before:.0f} before, {ASKED} requests for a compound, {after:.0f} after")
    assert after - before == ASKED


def _settled(stack) -> float:
    """Return a Prometheus value after it has scraped every replica once more."""
    start = time.time()
    last = 'min(timestamp(up{job="web"}))'  # a replica has no series for a table that it never queried
    until(lambda: stack.prometheus(last) > start + 1, "Prometheus has asked again")
    return stack.prometheus(COMPOUNDS)
