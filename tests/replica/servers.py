"""A primary and a standby of PostgreSQL, and a site that reads from both."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from tests.conftest import ROOT
from tests.embedded_postgresql import get_server, run_as_server

PATIENCE = 60  # seconds
DATABASE = "site"


def until(true: Callable[[], object], what: str) -> None:
    """Wait until a condition is true."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"{what}: not within {PATIENCE} seconds"
        time.sleep(0.05)


class Servers:
    """The two database servers, in a folder that the server's user can enter."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.primary = get_server(folder / "primary", cleanup_mode="delete")
        self.has_restarted = False  # then it must be stopped here
        self.standby_data, self.standby_socket = folder / "standby", folder / "socket"
        with psycopg.connect(self.primary.get_uri(), autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes"):  # durability is not needed
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute(f"CREATE DATABASE {DATABASE}")

    @property
    def url(self) -> str:
        """The site's URL of the primary."""
        return self.primary.get_uri(database=DATABASE)

    @property
    def replica_url(self) -> str:
        """The site's URL of the replicas: a host that does not exist, and the standby."""
        hosts = f"{self.folder / 'nowhere'},{self.standby_socket}"
        return f"postgresql://postgres:@/{DATABASE}?host={hosts}&target_session_attrs=standby"

    def make_standby(self) -> None:
        """Copy the primary, and start the copy as its standby."""
        self.standby_socket.mkdir()
        self.standby_socket.chmod(0o777)
        self._run(
            "pg_basebackup",
            "-D",
            self.standby_data,
            "-d",
            self.primary.get_uri(),
            "-R",
            "-c",
            "fast",
            "-C",
            "-S",
            "standby",
        )
        with (self.standby_data / "postgresql.auto.conf").open("a") as settings:
            settings.write("hot_standby_feedback = on\nmax_standby_streaming_delay = 5min\n")
        self.start_standby()

    def start_standby(self) -> None:
        """Start the standby, and wait until it has the changes of the primary."""
        log = self.standby_data / "log"
        self._run("pg_ctl", "-w", "-D", self.standby_data, "-l", log, "-o", f"-h '' -k {self.standby_socket}", "start")
        until(self.is_level, "the standby has all changes")

    def stop_standby(self, mode: str = "fast") -> None:
        """Stop the standby if it runs."""
        with suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-w", "-D", self.standby_data, "-m", mode, "stop")

    def kill_standby(self) -> None:
        """Kill the standby's processes, as a machine that loses power would."""
        os.kill(int((self.standby_data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)

    @contextmanager
    def frozen_standby(self) -> Iterator[None]:
        """Freeze the processes of the standby in the block, as a disk that does not respond would."""
        postmaster = int((self.standby_data / "postmaster.pid").read_text().split()[0])
        children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
        for process in (postmaster, *map(int, children)):
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in (postmaster, *map(int, children)):
                os.kill(process, signal.SIGCONT)

    def stop_primary(self) -> None:
        """Stop the primary without waiting for its clients."""
        self._run("pg_ctl", "-w", "-D", self.primary.pgdata, "-m", "immediate", "stop")

    def start_primary(self) -> None:
        """Start the primary again."""
        self.has_restarted = True
        data, socket = self.primary.pgdata, self.primary.get_postmaster_info().socket_dir
        self._run("pg_ctl", "-w", "-D", data, "-l", data / "log", "-o", f"-h '' -k {socket}", "start")

    def remove(self) -> None:
        """Stop and delete both servers."""
        self.stop_standby("immediate")
        if self.has_restarted:
            self.stop_primary()
        self.primary.cleanup()

    def sql(self, statement: str, *parameters: object) -> list[tuple]:
        """Run a statement on the primary."""
        return _rows(self.url, statement, parameters)

    def standby_sql(self, statement: str) -> list[tuple]:
        """Run a statement on the standby."""
        return _rows(f"postgresql://postgres:@/{DATABASE}?host={self.standby_socket}", statement)

    def is_level(self) -> bool:
        """Return whether the standby has all changes of the primary."""
        with suppress(psycopg.Error):
            ((position,),) = self.sql("SELECT pg_current_wal_lsn()::text")
            return self.standby_sql(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")[0][0]
        return False

    def _run(self, program: str, *arguments: object) -> None:
        run_as_server(self.primary, program, [str(argument) for argument in arguments])


def _rows(url: str, statement: str, parameters: tuple = ()) -> list[tuple]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run manage.py and return its output."""
    command = [sys.executable, "manage.py", *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
