"""Four web hosts and two workers on networks of their own: imports run at once, and hosts vanish."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import ROOT
from tests.hosts.cluster import Cluster, until
from tests.hosts.network import NamespaceError

READS = ("/api/people/places/?page_size=20", "/api/people/people/?page_size=20&ordering=-date_of_birth", "/api/")
ROWS = 500_000  # of the census: enough for an import of several seconds


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with TemporaryDirectory(prefix="tabularium-hosts-") as folder:  # PostgreSQL's user cannot read pytest's folders
        try:
            cluster = Cluster(Path(folder))
        except NamespaceError as error:
            pytest.fail(str(error), pytrace=False)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(scope="module")
def census(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("census")
    generate = [sys.executable, "fixtures_src/generate.py", "--only", "census", "--rows", str(ROWS)]
    subprocess.run([*generate, "--output", str(folder)], cwd=ROOT, check=True, capture_output=True)
    return next(path for path in folder.rglob("*") if path.is_file())


def call(cluster: Cluster, address: str, *form: str) -> dict:
    """Send a request through the proxy, and return its JSON."""
    command = [sys.executable, "-m", "tests.hosts.call", cluster.token, f"http://localhost{address}", *form]
    ran = cluster.proxy.run(*command, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def start_import(cluster: Cluster, dataset: str, *files: Path) -> int:
    answer = call(cluster, "/api/imports/", f"dataset={dataset}", "mode=apply", *(f"files=@{file}" for file in files))
    assert "id" in answer, answer
    return answer["id"]


def status(cluster: Cluster, run: int) -> str:
    return call(cluster, f"/api/imports/{run}/")["status"]


def test_datasets_are_imported_at_once_on_different_workers_and_none_twice(cluster, census):
    files = sorted((ROOT / "fixtures_src/experiments").glob("*.csv"))
    with ThreadPoolExecutor(2) as threads:
        first = start_import(cluster, "census", census)
        other = threads.submit(start_import, cluster, "experiments", *files)
        again = threads.submit(call, cluster, "/api/imports/", "dataset=census", "mode=apply", f"files=@{census}")
    assert re.match(rf"Run {first} of census is (running|waiting to start)", again.result()["detail"])
    for run in (first, other.result()):
        until(lambda run=run: status(cluster, run) == "applied", f"run {run} is applied")
    times = "SELECT max(begun_at) < min(finished_at) FROM import_runs WHERE dataset IN ('census', 'experiments')"
    assert cluster.sql(times) == [["t"]]
    assert {cluster.worker_of(first).name, cluster.worker_of(other.result()).name} == {"worker-1", "worker-2"}


def test_no_request_fails_while_hosts_vanish_and_the_import_is_repeated_on_another(cluster, census, capsys):
    cluster.manage("undo_import", cluster.sql("SELECT max(id) FROM import_runs WHERE dataset = 'census'")[0][0])
    command = [sys.executable, "-m", "tests.hosts.asking", "80", cluster.token, *READS]
    asking = cluster.proxy.start(*command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert asking.stdout.readline() == "begun\n"
    run = start_import(cluster, "census", census)
    until(lambda: cluster.importer_of("census"), "a worker imports the census")
    lost = cluster.worker_of(run)
    lost.vanish()
    cluster.webs[0].vanish()
    cluster.webs[1].kill()
    found = until(lambda: status(cluster, run) == "interrupted", "the run is found interrupted")
    assert cluster.sql("SELECT count(*) FROM respondents") == [["0"]]

    repeated = start_import(cluster, "census", census)
    until(lambda: status(cluster, repeated) == "applied", "the import is repeated")
    output, _ = asking.communicate(timeout=90)
    result = json.loads(output)
    with capsys.disabled():
        print(f"\n{result['summary']}; the interrupted import was found after {found:.0f} s")
    assert result["bad"] == [] and result["requests"] > 200
    assert int(cluster.sql("SELECT count(*) FROM respondents")[0][0]) > 0.9 * ROWS
    assert cluster.worker_of(repeated).name != lost.name
