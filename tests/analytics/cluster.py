"""A standalone cluster of Spark on this machine: a master, and workers with one executor each."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

HOME = Path(pyspark.__file__).parent
LONGEST_START = 120  # seconds
ADDRESS = "127.0.0.1"


class Cluster:
    """The processes of a cluster, and its address. All of them end with the block."""

    def __init__(self, folder: Path):
        self.folder, self.url = folder, ""
        self.processes: list[subprocess.Popen] = []

    def start(self, workers: int) -> None:
        options = ["--host", ADDRESS, "--port", "0", "--webui-port", "0"]
        self._start("master", "org.apache.spark.deploy.master.Master", *options)
        self.url = self._logged("master", r"Starting Spark master at (spark://\S+)")
        for n in range(workers):
            options = ["--host", ADDRESS, "--webui-port", "0", "--cores", "1", "--memory", "1g"]
            options += ["--work-dir", str(self.folder / f"work-{n}")]
            self._start(f"worker-{n}", "org.apache.spark.deploy.worker.Worker", *options, self.url)
        for n in range(workers):
            self._logged(f"worker-{n}", r"(Successfully registered with master)")

    def executors(self) -> list[int]:
        """Return the process ids of the running executors of this cluster."""
        found = []
        for process in self.processes[1:]:
            children = Path(f"/proc/{process.pid}/task").glob("*/children")
            found += [int(pid) for file in children for pid in file.read_text().split()]
        return found

    def stop(self) -> None:
        for process in reversed(self.processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("w") as log:
            environment = os.environ | {"SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": ADDRESS, "SPARK_NO_DAEMONIZE": "1"}
            self.processes.append(
                subprocess.Popen(
                    [str(HOME / "bin" / "spark-class"), *command],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment | {"SPARK_DAEMON_MEMORY": "256m"},
                    start_new_session=True,
                )
            )

    def _logged(self, name: str, pattern: str) -> str:
        """Wait for a line in the log of a process, and return its group."""
        end = time.monotonic() + LONGEST_START
        while time.monotonic() < end:
            if found := re.search(pattern, text := (self.folder / f"{name}.log").read_text()):
                return found[1]
            time.sleep(0.2)
        raise AssertionError(f"{name} did not start: {text}")


@contextmanager
def cluster_in(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a cluster whose files are in *folder*."""
    cluster = Cluster(folder)
    try:
        cluster.start(workers)
        yield cluster
    finally:
        cluster.stop()
