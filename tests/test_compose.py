"""The services of docker-compose.yml: their privileges, resource limits and memory settings."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
POSTGRES = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}
NEEDED = {"db": POSTGRES, "replica": POSTGRES, "proxy": {"NET_BIND_SERVICE"}}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_more_rights_than_it_needs(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and set(service.get("cap_add", [])) == NEEDED.get(name, set())
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_resource_limits(name):
    assert re.fullmatch(r"\$\{[A-Z]+_MEMORY:-\d+[mg]\}", SERVICES[name]["mem_limit"])
    assert SERVICES[name]["pids_limit"] <= 500


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_can_be_replaced_by_a_pinned_one(name):
    assert re.fullmatch(r"(\$\{[A-Z_]+:-[a-z/0-9:.-]+\})(:\$\{[A-Z_]+:-[a-z]+\})?", SERVICES[name]["image"])


@pytest.fixture
def start(tmp_path):
    """A function that starts the database with DATABASE_MEMORY, whose server prints its arguments."""
    server = tmp_path / "docker-entrypoint.sh"
    server.write_text('#!/bin/sh\necho "$@"\n')
    server.chmod(0o755)

    def start(memory: str) -> subprocess.CompletedProcess:
        script, *arguments = shlex.split(SERVICES["db"]["command"])
        command = [ROOT / "deploy" / "database" / Path(script).name, *arguments]
        environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DATABASE_MEMORY": memory}
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    return start


def test_one_variable_sets_the_memory_of_the_database(start):
    small, large = (start(memory) for memory in ("512m", "1g"))
    assert small.stdout.startswith("postgres -c ") and "log_statement=none" in small.stdout
    settings = [dict(re.findall(r"-c (\w+)=(\d+)kB", ran.stdout)) for ran in (small, large)]
    assert settings[0] == {
        "shared_buffers": "131072",
        "effective_cache_size": "393216",
        "work_mem": "4096",
        "maintenance_work_mem": "32768",
    }
    assert settings[1] == {name: str(2 * int(size)) for name, size in settings[0].items()}
    machine = int(re.search(r"MemTotal: +(\d+)", Path("/proc/meminfo").read_text())[1])
    assert f"shared_buffers={machine // 4}kB" in start("100000g").stdout


@pytest.mark.parametrize("memory", ["", "4", "much", "1.5g", "-4g", "64m"])
def test_an_unusable_memory_of_the_database_is_reported(start, memory):
    ran = start(memory)
    assert ran.returncode == 1 and ran.stdout == ""
    assert f"DATABASE_MEMORY {memory or 'is empty'}: expected " in ran.stderr


@pytest.mark.skipif(not shutil.which("docker"), reason="needs docker compose")
def test_compose_passes_the_memory_to_the_container_and_its_settings():
    command = ["docker", "compose", "--env-file", "/dev/null", "config", "--format", "json"]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "DATABASE_MEMORY": "6g"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    database = yaml.safe_load(ran.stdout)["services"]["db"]
    assert database["environment"]["DATABASE_MEMORY"] == "6g"
    assert int(database["mem_limit"]) == int(database["shm_size"]) == 6 * 2**30
