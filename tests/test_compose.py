"""The services of docker-compose.yml: their privileges and resource limits."""

import re
from pathlib import Path

import pytest
import yaml

SERVICES = yaml.safe_load((Path(__file__).resolve().parent.parent / "docker-compose.yml").read_text())["services"]
NEEDED = {"db": {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}, "proxy": {"NET_BIND_SERVICE"}}


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
