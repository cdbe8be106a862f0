"""The image runs by itself with docker run, without compose."""

import re
import urllib.request
import uuid

import pytest

from tests.stack.stack import docker, free_port, new_browser, until


@pytest.fixture
def alone(stack):
    """A container of the image alone, with a read-only file system and a volume."""
    name, port = f"tabularium-alone-{uuid.uuid4().hex[:8]}", free_port()
    run = ["run", "--detach", "--name", name, "--publish", f"{port}:8000", "--read-only", "--cap-drop=ALL"]
    docker(*run, "--volume", f"{name}:/data", f"{stack.image}:latest")
    yield name, f"http://localhost:{port}"
    docker("rm", "--force", "--volumes", name)
    docker("volume", "rm", name)


def test_one_container_runs_the_whole_site(alone, show):
    name, address = alone
    seconds = until(lambda: _is_ready(address), "the site is ready")
    log = docker("logs", name)
    show(f"ready after {seconds:.1f} s;", [line for line in log.splitlines() if "applied" in line])
    assert len(re.findall(r"Run \d of \w+ applied", log)) == 4
    link = re.search(r"http://localhost:8000(/admin/welcome/\S+)", log)[1]
    page = new_browser().open(address + link).read().decode()
    assert "new_password1" in page
    until(lambda: docker("inspect", "--format", "{{.State.Health.Status}}", name) == "healthy", "it is healthy")
    assert docker("exec", name, "stat", "--format", "%a %U", "/data/secret_key") == "400 tabularium"

    docker("stop", "--time", "60", name)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", name) == "0"
    docker("start", name)
    until(lambda: _is_ready(address), "the site is ready again")
    assert "applied" not in docker("logs", "--since", docker("inspect", "--format", "{{.State.StartedAt}}", name), name)


@pytest.mark.parametrize("part", ["manage.py worker", "gunicorn"])
def test_the_container_ends_if_one_of_its_processes_ends(alone, part, show):
    name, address = alone
    until(lambda: _is_ready(address), "the site is ready")
    search_command = f'tr "\\0" " " <$p/cmdline | grep -q "[p]ython.*{part}"'
    inside = f"for p in /proc/[0-9]*; do if {search_command}; then kill -9 ${{p#/proc/}}; fi; done"
    docker("exec", name, "sh", "-c", inside)
    seconds = until(lambda: docker("inspect", "--format", "{{.State.Running}}", name) == "false", "it has ended")
    code = docker("inspect", "--format", "{{.State.ExitCode}}", name)
    show(f"{part} was killed; {seconds:.1f} s later the container had ended with {code}")
    assert code != "0"


def _is_ready(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"{address}/readyz", timeout=10).status == 200
    except OSError:
        return False
