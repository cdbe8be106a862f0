"""The profile replica: a standby of the database answers, and the site survives the loss of either server."""

import time

import pytest

from tests.stack.stack import docker, until

URL = "postgresql://tabularium@replica:5432/experiment_metadata?passfile=/secrets/site/pgpass&target_session_attrs=standby"
ANSWERED = 'sum(tabularium_replica_requests_total{{answer="{}"}})'
PLACES = "/api/people/places/"


@pytest.fixture
def replica(stack):
    """The stack with a standby, as docs/scale.md starts it."""
    stack.set(COMPOSE_PROFILES="replica", DATABASE_REPLICA_URL=URL, READ_ONLY_WITHOUT_PRIMARY="on")
    stack.run("docker", "compose", "up", "--detach", "--wait")
    yield stack
    stack.run("docker", "compose", "rm", "--stop", "--force", "--volumes", "replica")
    stack.sql("SELECT pg_drop_replication_slot('replica')", role="postgres")
    docker("volume", "rm", f"{stack.project}_replica")
    stack.set()
    stack.run("docker", "compose", "up", "--detach", "--wait")


def test_a_standby_answers_and_either_server_may_stop(replica, load, show):
    assert replica.sql("SELECT state FROM pg_stat_replication", role="postgres").strip() == "streaming"
    for _ in range(8):
        replica.api(PLACES)
    until(lambda: replica.prometheus(ANSWERED.format("replica")) > 0, "the standby has answered")
    assert replica.prometheus("max(tabularium_replica_up)") == 1

    with load:
        time.sleep(3)
        replica.kill(replica.containers("replica")[0])
        time.sleep(5)
    show("standby killed:", load.summary(), load.bad()[:3])
    assert not load.bad()
    until(lambda: replica.prometheus("max(tabularium_replica_up)") == 1, "the standby is back")

    replica.run("docker", "compose", "stop", "db")
    try:
        until(
            lambda: replica.ask(PLACES, Authorization=f"Bearer {replica.token}")[0] == 200, "the standby answers alone"
        )
        status, headers, _ = replica.ask(PLACES, Authorization=f"Bearer {replica.token}")
        assert (status, headers["Read-Only"]) == (200, "the primary database does not respond")
        assert replica.ask("/api/imports/", "POST", Authorization=f"Bearer {replica.token}")[0] == 503
        assert b"You can sign in again when" in replica.ask("/sign-in/")[2]
    finally:
        replica.run("docker", "compose", "start", "db")
    until(
        lambda: "Read-Only" not in replica.ask(PLACES, Authorization=f"Bearer {replica.token}")[1],
        "the primary is back",
    )
