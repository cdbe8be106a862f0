"""The shell commands on the documentation's pages run as printed, on a site with the sample data."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command, execute_from_command_line

from imports.models import ImportRun
from tests.conftest import ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "[a-z]*/README.md")
    for path in ROOT.glob(pattern)
)
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON, SITE = ".venv/bin/python ", "http://127.0.0.1:8000"  # as printed on the pages

# Blocks that need Docker, a separate server or much time: their first line, and the tests that run them instead.
MANUALLY = "manually"
GENERATE = ".venv/bin/python fixtures_src/generate.py"
RUN_ELSEWHERE = {
    "make dev": ".ci/run",
    "make run": MANUALLY,
    "make run PORT=8001": "tests/test_makefile.py",
    "make test": ".ci/run",
    "createuser --pwprompt USER && createdb --owner USER tabularium": MANUALLY,
    ".venv/bin/python bench/import_speed.py": MANUALLY,
    GENERATE: "tests/test_fixtures.py",
    f"{GENERATE} --only census --rows 1000000 --output /tmp/big": "tests/test_fixtures.py",
    "export DEBUG=on DATABASE_URL=sqlite:///var/uci.sqlite3": "tests/census/test_insights_notebook.py",
    "docker build -t tabularium .": "tests/stack/test_alone.py",
    "docker compose up": "tests/stack/test_start.py",
    "docker compose logs migrate": "tests/stack/test_accounts.py",
    "cat >>.env <<'ENV'": "tests/stack/test_https.py",
    "deploy/etl": "tests/stack/test_keeping.py",
    "deploy/update": "tests/stack/test_updates.py",
    "deploy/update --back": "tests/stack/test_updates.py",
    "docker compose pull db proxy prometheus": MANUALLY,
    "deploy/backup": "tests/stack/test_keeping.py",
    "docker compose up -d --no-recreate --scale web=4": "tests/stack/test_updates.py",
    "deploy/rotate database-password": "tests/stack/test_keeping.py",
    "deploy/backup backups/before-upgrade": MANUALLY,
    "kubectl apply -f deploy/kubernetes/namespace.yaml": "tests/hosts/test_kubernetes.py",
    "docker compose run --rm worker python manage.py upload_stored_files": "tests/hosts/test_stored_files.py",
    "docker compose rm --stop --force replica": "tests/stack/test_replica.py",
    "pg_basebackup --dbname 'host=primary user=replicator' --pgdata \"$PGDATA\" --create-slot --slot standby1 -R": (
        "tests/replica/servers.py"
    ),
    "docker compose exec prometheus wget -qO- http://localhost:9090/api/v1/alerts": "tests/stack/test_metrics.py",
}


def blocks(page: str) -> list[str]:
    """Return the shell commands of *page*, a text for each block."""
    return SHELL.findall((ROOT / page).read_text())


def first_line(block: str) -> str:
    return re.sub(r"\s+#.*", "", block.splitlines()[0])


RUN_HERE = {page: [block for block in blocks(page) if first_line(block) not in RUN_ELSEWHERE] for page in PAGES}


def test_each_block_that_another_test_runs_is_on_a_page():
    assert {first_line(block) for page in PAGES for block in blocks(page)} >= set(RUN_ELSEWHERE)
    assert all(place == MANUALLY or (ROOT / place).exists() for place in RUN_ELSEWHERE.values())


def test_the_make_targets_on_the_pages_exist():
    text = "\n".join((ROOT / page).read_text() for page in PAGES)
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert "run" in targets and targets <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_the_modules_on_the_pages_exist():
    packages = "|".join(path.parent.name for path in ROOT.glob("*/__init__.py"))
    module = re.compile(rf"`((?:{packages}|bench|deploy|tests)/[\w/]*(?:\.py|/))`")
    pages = [*(ROOT / page for page in PAGES if page != "CHANGELOG.md"), *ROOT.glob("docs/decisions/*.md")]
    named = {(page.name, name) for page in pages for name in module.findall(page.read_text())}
    assert {(page, name) for page, name in named if not (ROOT / name).exists()} == {
        ("add-a-dataset.md", "tests/wines/")
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with everything that is in the checkout; files that a command writes there stay there."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for path in ROOT.iterdir():
        (folder / path.name).symlink_to(path)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".curlrc").write_text("fail\nsilent\nshow-error\n")
    return folder


@pytest.fixture
def site(live_server, child_environment, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of the commands: a site with the sample data, a curator and a worker."""
    call_command("import_sources", verbosity=0)
    User.objects.create_user("curator", is_staff=True).groups.add(Group.objects.get(name="Curators"))
    environment = child_environment | {"HOME": str(tmp_path / "home"), "SITE_URL": live_server.url}
    worker = [sys.executable, "manage.py", "worker", "--interval", "0.1"]
    with subprocess.Popen(worker, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        yield environment
        process.send_signal(signal.SIGTERM)


def run_shell(commands: list[str], folder: Path, environment: dict[str, str]) -> None:
    script = "\n".join(commands).replace(SITE, environment["SITE_URL"])
    arguments = ["bash", "-eux", "-o", "pipefail", "-c", script]
    ran = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def wait_for_imports() -> None:
    """Let the worker finish: a dataset has one import at a time."""
    deadline = time.monotonic() + 120
    while ImportRun.objects.filter(status__in=[ImportRun.Status.WAITING, ImportRun.Status.RUNNING]).exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def run_commands(commands: list[str]) -> None:
    """Run manage.py commands in this process, without starting Django for each."""
    for command in commands:
        try:
            execute_from_command_line(shlex.split(command, comments=True)[1:])
        except SystemExit as ended:
            assert not ended.code, command


@pytest.mark.django_db(transaction=True, reset_sequences=True)  # the pages name the first import
def test_the_commands_on_the_pages_run(checkout, site, monkeypatch):
    monkeypatch.chdir(checkout)
    for page in PAGES:
        lines = [line for block in RUN_HERE[page] for line in block.replace("\\\n", "").splitlines()]
        for is_python, commands in groupby(lines, lambda line: line.startswith(PYTHON)):
            if is_python:
                run_commands([*commands])
            else:
                run_shell([*commands], checkout, site)
        wait_for_imports()
    assert not ImportRun.objects.exclude(error="").exists()
    assert {"ironvale.csv", "people.csv", "census.json", "respondents.csv"} <= set(os.listdir(checkout))
