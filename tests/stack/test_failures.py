"""Recovery after kills of a replica, the database, and a worker during an import, without data loss."""

import json
import subprocess
import time

from tests.stack.load import CUT, WRONG
from tests.stack.stack import docker, until

HEALTH = ("inspect", "--format", "{{.State.Health.Status}} {{.RestartCount}}")


def test_no_get_fails_when_a_replica_is_killed(stack, load, show):
    victim, other = stack.containers("web")
    with load:
        time.sleep(3)
        stack.kill(victim)
        back = until(lambda: docker(*HEALTH, victim) == "healthy 1", "the killed replica is back")
        time.sleep(3)
    show(load.summary(), f"; it was back after {back:.1f} s;", [(bad.question, bad.what) for bad in load.bad()])
    # Open downloads and writes of the replica may fail; the proxy sends reads to the other replica.
    assert not [bad for bad in load.bad() if bad.method == "GET" and bad.question != "download"]
    assert not [bad for bad in load.bad() if bad.outcome == WRONG]
    assert len(load.bad()) <= 10
    assert stack.containers("web") == [victim, other]


def test_the_database_restarts_without_a_wrong_answer(stack, load, show):
    before = stack.tables()["people"]
    with load:
        time.sleep(3)
        stack.run("docker", "compose", "restart", "db")
        restarted = load.now
        time.sleep(12)
    bad = load.bad()
    last = max((seen.ended for seen in bad), default=restarted)
    show(load.summary(), f"; the last to fail, {last - restarted:.1f} s after the restart, of {len(bad)}")
    assert last - restarted < 10
    assert [seen for seen in load.seen if seen.ended > restarted + 10]
    assert not [seen for seen in bad if seen.outcome == WRONG or (seen.outcome == CUT and seen.question != "download")]
    assert stack.tables()["people"] == before


def test_a_killed_database_loses_no_data(stack, show):
    before, container = stack.tables(), stack.containers("db")[0]
    stack.kill(container)
    seconds = until(lambda: docker(*HEALTH, container) == "healthy 1", "the killed database is back")
    # Each process of each replica reconnects by itself, with increasing delays.
    until(lambda: all(stack.is_ready() for _ in range(16)), "all of the site is ready again")
    after = stack.tables()
    show(f"back after {seconds:.1f} s, {len(after)} tables the same")
    assert after == before


def test_a_worker_is_killed_during_an_import(stack, tmp_path, show):
    census = tmp_path / "adult.data"
    census.write_text("".join(_respondents(400_000)))
    before = _data(stack.tables())
    worker = stack.containers("worker")[0]
    number = _start_import(stack, census)
    until(lambda: _merges(_run(stack, number)), "it writes into the tables")
    at = _run(stack, number)["progress"]
    stack.kill(worker)
    seconds = until(lambda: _run(stack, number)["status"] not in ("waiting", "running"), "the run is found interrupted")
    run = _run(stack, number)
    show(f"killed at {at}; found {run['status']} after {seconds:.0f} s: {run['error']}")
    assert run["status"] == "interrupted"
    assert _data(stack.tables()) == before
    again = stack.run("deploy/etl", "--dataset", "census", str(census))
    report = json.loads(again.stdout)
    show("asked for again:", report["status"], f"{report['sources'][0]['created']} rows created")
    assert report["status"] == "applied"
    assert int(stack.sql("SELECT count(*) FROM respondents")) == 400_000 + before["respondents"][0]
    stack.run("docker", "compose", "exec", "-T", "web", "python", "manage.py", "undo_import", str(report["id"]))
    assert stack.tables()["respondents"] == before["respondents"]


def _respondents(number: int):
    for at in range(number):
        yield (
            f"{17 + at % 70}, Private, {10_000_000 + at}, HS-grad, 9, Divorced, Sales, Unmarried, White, "
            f"Female, 0, 0, {1 + at % 90}, Peru, <=50K\n"
        )


def _start_import(stack, file) -> int:
    command = [
        "curl",
        "--silent",
        "--show-error",
        "--fail-with-body",
        "--form",
        "dataset=census",
        "--form",
        "mode=apply",
    ]
    command += ["--form", f"files=@{file}", "--header", f"Authorization: Bearer {stack.token}"]
    ran = subprocess.run([*command, f"http://localhost:{stack.port}/api/imports/"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return json.loads(ran.stdout)["id"]


def _run(stack, number: int) -> dict:
    return stack.api(f"/api/imports/{number}/")


def _merges(run: dict) -> bool:
    assert run["status"] in ("waiting", "running"), "it was over before it could be interrupted"
    return bool(run["progress"]) and run["progress"]["merging"]


def _data(tables: dict) -> dict:
    """Return the tables of the datasets, without those of runs, accounts and tasks."""
    about = ("datasets_", "django_", "auth_", "axes_", "import", "source_file", "rejected", "api_token")
    return {name: result for name, result in tables.items() if not name.startswith(about)}
