"""Benchmark of a read replica: the primary's processor time for a summary and a whole CSV file, without and with it.

Both sites use the same primary, with a standby on the same machine. Each sends the same requests in turns. Processor
time is that of all processes of the primary, and does not depend on other load on the machine.
"""

import os
import sys
import tempfile
import urllib.request
from pathlib import Path

from api_requests import serving, site
from measuring import ROOT, Figure, Site, arguments, generate, log, show

sys.path.insert(0, str(ROOT))
from tests.replica.servers import Servers

SUMMARY = "/api/census/respondents/summary/?by=education&measure=mean:age&measure=median:hours_per_week"
WHOLE = "/api/census/respondents/?format=csv"
TICKS = os.sysconf("SC_CLK_TCK")
MOST = 5  # percent of the processor time without a replica


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tabularium-bench-") as name:
        folder = Path(name)
        folder.chmod(0o777)  # the servers run as another user
        servers = Servers(folder)
        try:
            return show(measured(servers, folder, given.rows, given.turns), as_json=given.json)
        finally:
            servers.remove()


def measured(servers: Servers, folder: Path, rows: int, turns: int) -> list[Figure]:
    plain = Site("PostgreSQL", servers.url, folder)
    log(f"Importing {rows:,} rows")
    plain.manage("migrate", "-v", "0")
    plain.manage("import_census", str(generate(folder / "files", "census", rows)))
    servers.make_standby()

    command, environment, port = site(servers.url, folder)
    with serving(command, environment, port, "/api/") as (alone, _):
        command, environment, port = site(servers.url, folder)
        replica = environment | {"DATABASE_REPLICA_URL": servers.replica_url}
        with serving(command, replica, port, "/api/") as (with_replica, _):
            return [
                figure
                for title, path, count in (("summary", SUMMARY, 20), ("whole CSV", WHOLE, 3))
                for figure in compared(servers, title, [alone + path, with_replica + path], count, turns)
            ]


def compared(servers: Servers, title: str, addresses: list[str], count: int, turns: int) -> list[Figure]:
    """Return the processor time of the primary for one request of each address, from *count* requests in each turn."""
    used = [0.0 for _ in addresses]
    for turn in range(turns + 1):
        for place, address in enumerate(addresses):
            before = processor_seconds(servers.primary.get_pid())
            for _ in range(count):
                read(address)
            if turn:  # the first turn fills caches
                used[place] += processor_seconds(servers.primary.get_pid()) - before
    without, with_replica = (1000 * seconds / count / turns for seconds in used)
    return [
        Figure(f"{title}: primary alone", without, "ms of processor time"),
        Figure(f"{title}: primary with a replica", with_replica, "ms of processor time"),
        Figure(f"{title}: share that remains", 100 * with_replica / without, "%", MOST),
    ]


def read(address: str) -> None:
    with urllib.request.urlopen(address) as answer:
        while answer.read(1 << 16):
            pass


def processor_seconds(postmaster: int) -> float:
    """Return the processor time of a server's processes, and of those that have ended, in seconds."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # the process has ended
            continue
        if int(path.parent.name) == postmaster:
            total += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            total += sum(map(int, fields[11:13]))
    return total / TICKS


if __name__ == "__main__":
    sys.exit(main())
