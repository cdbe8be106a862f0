"""The alert rules use existing metrics and fire as expected, checked with promtool."""

import re
import shutil
import subprocess

import pytest
import yaml

from analytics.metrics import CopyCollector
from monitoring.exposition import registry
from tests.conftest import ROOT

IMAGE = "prom/prometheus"


def rules() -> list[dict]:
    return yaml.safe_load((ROOT / "deploy/alerts.yml").read_text())["groups"][0]["rules"]


@pytest.mark.django_db(transaction=True)
def test_the_alerts_use_existing_metrics(client):
    client.get("/api/")
    there = {metric.name for metric in registry().collect()}
    there |= {"tabularium_http_request_seconds_count"}
    there |= {"tabularium_view_behind_seconds"}  # SQLite has plain views without this metric
    there |= {metric.name for metric in CopyCollector().collect()}  # only with ANALYTICS_COPY
    there |= {"tabularium_replica_up", "tabularium_replica_lag_seconds"}  # with a replica
    names = {name for rule in rules() for name in re.findall(r"tabularium_\w+", rule["expr"])}
    assert len(names) == 10 and names <= there
    scraped = yaml.safe_load((ROOT / "deploy/prometheus.yml").read_text())
    jobs = {job["job_name"] for job in scraped["scrape_configs"]}
    assert {job for rule in rules() for job in re.findall(r'job="(\w+)"', rule["expr"])} <= jobs


def test_each_alert_has_a_summary_and_is_in_the_operators_guide():
    assert len(rules()) == 8
    guide = (ROOT / "docs/operators.md").read_text()
    assert all(rule["annotations"]["summary"] and f"| `{rule['alert']}` |" in guide for rule in rules())


def promtool(folder) -> list[str]:
    """The command that runs promtool in *folder*: the installed one, or that of Prometheus's image."""
    if path := shutil.which("promtool"):
        return [path]
    if shutil.which("docker"):
        inspection = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True)
        if inspection.returncode == 0:
            mounted = ["--volume", f"{folder}:/rules:ro", "--workdir", "/rules", "--entrypoint", "promtool"]
            return ["docker", "run", "--rm", "--network", "none", *mounted, IMAGE]
    return pytest.skip("no promtool: apt-get install prometheus, or docker pull prom/prometheus")


def test_each_alert_fires_when_it_should(tmp_path):
    shutil.copy(ROOT / "deploy/alerts.yml", tmp_path)
    shutil.copy(ROOT / "tests/monitoring/alerts.yml", tmp_path / "tests.yml")
    tmp_path.chmod(0o755)
    config = (ROOT / "deploy/prometheus.yml").read_text().replace("/etc/prometheus/", "")
    (tmp_path / "prometheus.yml").write_text(config)
    for arguments in (["check", "config", "prometheus.yml"], ["test", "rules", "tests.yml"]):
        ran = subprocess.run([*promtool(tmp_path), *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
