"""How gunicorn serves the site: its processes, how it ends, its lines in the log, the metrics of all processes as one.

Use it as: python -m gunicorn config.wsgi --config config/gunicorn.py --bind ADDRESS:PORT
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from gunicorn import glogging

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from config.environment import env, flag, number, one_of
from monitoring.health import DRAINING
from monitoring.logs import REQUEST_ID, ROUTE, JSONLines

METRICS = "PROMETHEUS_MULTIPROC_DIR"
MADE_BY = "TABULARIUM_METRICS_MADE_BY"  # the process whose workers count there: read anew (HUP), we go on in the folder
QUIET = {"healthz", "readyz", "metrics"}  # asked every few seconds, and worth a line only where they fail

try:
    from config import health, limits
    from config.serving import told_to_stop

    # gthread: a thread for each request, of which downloads may hold half (see WEB_THREADS).
    worker_class = "config.serving.Worker"
    threads, workers = number("WEB_THREADS", default=4), number("WEB_CONCURRENCY", default=2)
    graceful_timeout = number("GRACEFUL_TIMEOUT", default=30)
    drain_seconds = number("DRAIN_SECONDS", default=0)
    debug = flag("DEBUG", default=False)
    as_json = one_of("LOG_FORMAT", ["text", "json"], default="text" if debug else "json") == "json"
except ImproperlyConfigured as error:
    sys.exit(str(error))
preload_app = True
sendfile = False  # it would wait for a client for ever
limit_request_line = limits.REQUEST_LINE  # the longest that our own links need, and the most that gunicorn can be told
worker_connections = 1000  # of each process; those beyond it replace the ones that have waited longest
control_socket_disable = True
secure_scheme_headers = {}  # whom to believe about HTTPS is for TRUST_PROXY to say, not for the address 127.0.0.1
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - no disk can make it wait
accesslog = "-" if as_json else None


def metrics_folder() -> Path:
    """Make the folder in which the processes count, or empty it; before the site is loaded, which begins to count."""
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
    """Remove the folder at the end of the process that made it; its workers leave by the same door."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


metrics_folder()


class JSONLogger(glogging.Logger):
    """A JSON object a line: what gunicorn says, and a line for each request."""

    def setup(self, cfg) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(JSONLines())

    def access(self, resp, req, environ, request_time) -> None:
        """Tell of a request that was answered to its end: its route in place of its address, and nobody's name."""
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


def when_ready(server) -> None:
    """At SIGTERM, tell /readyz first; go on serving for DRAIN_SECONDS, in which a proxy finds that out; then stop."""

    def stop(*_) -> None:
        server.signal(signal.SIGTERM, None)

    def drain(*_) -> None:
        if told_to_stop[0] or not drain_seconds:
            stop()
        else:
            signal.signal(signal.SIGALRM, stop)
            signal.setitimer(signal.ITIMER_REAL, drain_seconds)
        told_to_stop[0] = True
        Path(os.environ[DRAINING]).touch()

    signal.signal(signal.SIGTERM, drain)
    health.listen()


def pre_request(worker, req) -> None:
    """While it drains, keep no connection: a proxy must not send another request by it."""
    if told_to_stop[0]:
        req.force_close()


def child_exit(server, worker) -> None:
    """Forget what only a living process can tell."""
    from prometheus_client import multiprocess  # which looks at the folder when it is imported

    multiprocess.mark_process_dead(worker.pid)
