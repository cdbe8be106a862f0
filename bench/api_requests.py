"""Benchmark of the API with a million respondents: pages against stock DRF and Datasette, the whole table against psql.

Gunicorn runs with two workers on the same machine, with PostgreSQL; wrk sends the requests (apt-get install wrk).
Datasette reads the same rows from SQLite; DATASETTE is its path (python3 -m venv /tmp/datasette, pip install
datasette). The servers take turns, so that other load on the machine affects all of them alike.
"""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from measuring import ROOT, Figure, Site, arguments, generate, log, postgres, psql, show

SERVER = ["-m", "gunicorn", "--config", "config/gunicorn.py", "--log-level", "error"]
PAGE = "/api/census/respondents/?page_size=100"
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(command: list[str], environment: dict[str, str], port: int, path: str) -> Iterator[tuple[str, int]]:
    """Start a server, wait until it answers, and yield its address and process."""
    process = subprocess.Popen(
        command, env=os.environ | environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(address + path, timeout=30).read()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise SystemExit(f"{command[0]} does not answer at {address}{path}")
        yield address, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def site(address: str, folder: Path, module: str = "config.settings") -> tuple[list[str], dict[str, str], int]:
    port = free_port()
    environment = {
        "DJANGO_SETTINGS_MODULE": module,
        "PYTHONPATH": str(ROOT / "bench"),
        "DEBUG": "off",
        "HTTPS": "off",
        "SECRET_KEY": secrets.token_hex(32),
        "ALLOWED_HOSTS": "127.0.0.1",
        "API_ANONYMOUS_READ": "on",
        "API_RATE_ANONYMOUS": "",
        "DATABASE_URL": address,
        "MEDIA_ROOT": str(folder / "media"),
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": "4",
        "LOG_FORMAT": "text",  # no log line for each request, as with Datasette
    }
    return [sys.executable, *SERVER, "--bind", f"127.0.0.1:{port}", "config.wsgi"], environment, port


def requests_a_second(address: str, seconds: int, *headers: str) -> float:
    """Return the requests per second of *address* over eight connections; every response must be as expected."""
    options = [option for header in headers for option in ("-H", header)]
    output = subprocess.run(
        ["wrk", "-t1", "-c8", f"-d{seconds}s", "--timeout", "30s", *options, address],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    if "Non-2xx" in output and not headers:
        raise SystemExit(output)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


def tag_of(address: str) -> str:
    with urllib.request.urlopen(address) as answer:
        return answer.headers["ETag"]


def fetched(address: str) -> tuple[float, int]:
    """Return the duration of a complete download of *address* in seconds, and its size in bytes."""
    start, size = time.perf_counter(), 0
    with urllib.request.urlopen(address) as answer:
        while block := answer.read(1 << 16):
            size += len(block)
    return time.perf_counter() - start, size


def peak(pid: int) -> float:
    """Return the peak memory of the workers of the server *pid* in megabytes."""
    workers = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    return max(int(PEAK.search(Path(f"/proc/{worker}/status").read_text())[1]) for worker in workers) / 1024


def pages(folder: Path, address: str, sqlite: Path, seconds: int, turns: int) -> list[Figure]:
    datasette = os.environ.get("DATASETTE") or shutil.which("datasette")
    if not datasette:
        raise SystemExit(
            "Datasette is not there. Install it somewhere and name it: DATASETTE=/tmp/datasette/bin/datasette"
        )
    port = free_port()
    datasette_command = [datasette, "serve", "-i", str(sqlite), "-p", str(port), "--setting", "num_sql_threads", "4"]
    path = f"/{sqlite.stem}/respondents.json?_size=100&_nocount=1&_nofacet=1"
    with (
        serving(*site(address, folder), PAGE) as (own_address, _),
        serving(*site(address, folder, "stock.settings"), "/respondents/") as (stock, _),
        serving(datasette_command, {}, port, path) as (datasette_address, _),
    ):
        tag = tag_of(own_address + PAGE)
        rates: dict[str, list[float]] = {}
        for turn in range(turns):
            log(f"pages, turn {turn + 1} of {turns}")
            for name, url, headers in (
                ("pages", own_address + PAGE, []),
                ("304", own_address + PAGE, [f"If-None-Match: {tag}"]),
                ("stock", f"{stock}/respondents/", []),
                ("datasette", datasette_address + path, []),
            ):
                rates.setdefault(name, []).append(requests_a_second(url, seconds, *headers))
    middle = {name: median(turn_rates) for name, turn_rates in rates.items()}

    def times(measured: str, other: str) -> float:
        """Return the ratio of the request rates of *one* and *other*: the median of alternating turns."""
        return median(a / b for a, b in zip(rates[measured], rates[other], strict=True))

    return [
        Figure("pages of 100: stock ModelViewSet", middle["stock"], "requests/s"),
        Figure("pages of 100: Datasette", middle["datasette"], "requests/s"),
        Figure("pages of 100: Tabularium", middle["pages"], "requests/s"),
        Figure("as often as stock", times("pages", "stock"), "x", least=15),
        Figure("as often as Datasette", times("pages", "datasette"), "x", least=2),
        Figure("not modified (304)", middle["304"], "requests/s"),
        Figure("as often as pages", times("304", "pages"), "x", least=3),
    ]


def streams(folder: Path, address: str, query: str, turns: int) -> list[Figure]:
    """Measure the export of the whole table against psql writing the result of the same query."""
    with serving(*site(address, folder), PAGE) as (url, pid):
        before = peak(pid)
        seconds: dict[str, list[float]] = {}
        for turn in range(turns):
            log(f"streams, turn {turn + 1} of {turns}")
            start = time.perf_counter()
            command = [psql(), address, "-qc", f"\\copy ({query}) TO STDOUT WITH (FORMAT csv)"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds.setdefault("psql", []).append(time.perf_counter() - start)
            for file_format in ("csv", "ndjson", "parquet"):
                took, size = fetched(f"{url}/api/census/respondents/?format={file_format}")
                seconds.setdefault(file_format, []).append(took)
                log(f"  {file_format}: {took:.1f} s, {size / 1e6:.0f} MB")
        grown = peak(pid) - before
    best = {name: min(turn_seconds) for name, turn_seconds in seconds.items()}
    bars = {"csv": 2, "ndjson": None, "parquet": 4}
    return [
        Figure("whole table: psql, COPY TO STDOUT", best["psql"], "s"),
        *(Figure(f"whole table: {name}", best[name], "s") for name in bars),
        *(
            Figure(f"whole table: {name}, of psql's time", best[name] / best["psql"], "x", bar)
            for name, bar in bars.items()
        ),
        Figure("a worker's memory grew by", grown, "MB", 100),
    ]


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="duration of each wrk run, in seconds")
    parser.add_argument("--turns", type=int, default=9, help="turns for pages; a third as many for whole tables")
    given = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed. Type: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as name:
        folder = Path(name)
        file = generate(folder / "census", "census", given.rows)
        sqlite = folder / "tables.sqlite3"
        with postgres(folder) as (_, address):
            for server in (Site("PostgreSQL", address, folder), Site("SQLite", f"sqlite:///{sqlite}", folder)):
                log(f"importing {given.rows:,} respondents into {server.name}")
                server.manage("migrate", "-v", "0")
                server.manage("import_census", str(file))
            query = Site("PostgreSQL", address, folder).ask(QUERY).strip()
            figures = [
                *pages(folder, address, sqlite, given.seconds, given.turns),
                *(streams(folder, address, query, max(1, given.turns // 3)) if not os.environ.get("PAGES") else []),
            ]
    return show(figures, as_json=given.json)


# The query of the list of respondents.
QUERY = """
from census.models import Respondent
from datasets.columns import columns_of
print(str(Respondent.objects.values_list(*(column.path for column in columns_of(Respondent))).query))
"""

if __name__ == "__main__":
    sys.exit(main())
