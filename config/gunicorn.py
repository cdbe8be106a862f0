"""Configuration of gunicorn: processes, graceful shutdown, logs, and metrics of all processes.

Usage: python -m gunicorn config.wsgi --config config/gunicorn.py --bind ADDRESS:PORT
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from gunicorn import glogging
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.http.message import Request
from gunicorn.http.wsgi import Response
from gunicorn.workers.base import Worker

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from config.env import env, flag, number, one_of
from monitoring.health import DRAINING
from monitoring.log_format import REQUEST_ID, ROUTE, JSONLines

METRICS = "PROMETHEUS_MULTIPROC_DIR"
MADE_BY = "TABULARIUM_METRICS_MADE_BY"  # the process that owns the folder; after a reload (HUP), it keeps the folder
QUIET = {"healthz", "readyz", "metrics"}  # requested every few seconds; logged only on errors

try:
    from config import limits
    from config.gunicorn_worker import health_server
    from config.gunicorn_worker.worker import shutting_down

    # Based on gthread: one thread per request. Downloads use at most half of the threads (see WEB_THREADS).
    worker_class = "config.gunicorn_worker.worker.Worker"
    threads, workers = number("WEB_THREADS", default=4), number("WEB_CONCURRENCY", default=2)
    graceful_timeout = number("GRACEFUL_TIMEOUT", default=30)
    drain_seconds = number("DRAIN_SECONDS", default=0)
    debug = flag("DEBUG", default=False)
    as_json = one_of("LOG_FORMAT", ["text", "json"], default="text" if debug else "json") == "json"
except ImproperlyConfigured as error:
    sys.exit(str(error))
preload_app = True
sendfile = False  # it has no time limit for a client that does not read
limit_request_line = limits.REQUEST_LINE
worker_connections = 1000  # per process; new connections beyond it replace the oldest idle ones
control_socket_disable = True
secure_scheme_headers: dict[str, str] = {}  # TRUST_PROXY decides which proxy to trust, not gunicorn's default 127.0.0.1
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - in memory
accesslog = "-" if as_json else None


def metrics_folder() -> Path:
    """Create or empty the folder of the metrics. Called before the site is loaded, because loading creates metrics."""
    if os.environ.get(MADE_BY) == str(os.getpid()):
        return Path(os.environ[METRICS])
    if named := env.str("PROMETHEUS_MULTIPROC_DIR", default="").strip():
        Path(named).mkdir(parents=True, exist_ok=True)
        for left in Path(named).glob("*.db"):
            left.unlink(missing_ok=True)
    else:
        named = tempfile.mkdtemp(prefix="tabularium-metrics-")
        atexit.register(remove, named, os.getpid())
    os.environ |= {METRICS: named, MADE_BY: str(os.getpid()), DRAINING: str(Path(named) / "draining")}
    Path(os.environ[DRAINING]).unlink(missing_ok=True)
    return Path(named)


def remove(folder: str, process: int) -> None:
    """Remove the folder when the process that created it exits; forked workers run this handler too."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


metrics_folder()


class JSONLogger(glogging.Logger):
    """Log one JSON object per line: gunicorn's messages, and a line for each request."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(JSONLines())

    def access(self, resp: Response, req: Request, environ: MutableMapping[str, Any], request_time: timedelta) -> None:
        """Log a finished request with its route instead of its URL, and without the user or the address."""
        route = environ.get(ROUTE, "")
        if not self.access_log.handlers or (route in QUIET and resp.status_code == 200):
            return
        fields = {
            "request_id": environ.get(REQUEST_ID, ""),
            "method": environ.get("REQUEST_METHOD", ""),
            "route": route,
            "status": resp.status_code,
            "bytes": resp.sent,
            "seconds": round(request_time.total_seconds(), 4),
        }
        self.access_log.info("request", extra={"fields": fields})


logger_class = JSONLogger if as_json else glogging.Logger


def when_ready(server: Arbiter) -> None:
    """Install the SIGTERM handler: /readyz returns 503 at once, and gunicorn stops after DRAIN_SECONDS."""

    def stop(*_: object) -> None:
        server.signal(signal.SIGTERM, None)

    def drain(*_: object) -> None:
        if shutting_down[0] or not drain_seconds:
            stop()
        else:
            signal.signal(signal.SIGALRM, stop)
            signal.setitimer(signal.ITIMER_REAL, drain_seconds)
        shutting_down[0] = True
        Path(os.environ[DRAINING]).touch()

    signal.signal(signal.SIGTERM, drain)
    health_server.listen()


def pre_request(worker: Worker, req: Request) -> None:
    """Close connections after each request while draining, so that a proxy does not reuse them."""
    if shutting_down[0]:
        req.force_close()


def child_exit(server: Arbiter, worker: Worker) -> None:
    """Remove the live gauges of a process that has ended."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - reads the environment variable when imported

    multiprocess.mark_process_dead(worker.pid)
