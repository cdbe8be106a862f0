"""The internals of gunicorn that config/ uses: an upgrade that changes them fails here with an explanation."""

import ast
import inspect
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from types import CodeType

import pytest
from gunicorn import config as settings
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.http import errors
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.http.wsgi import Response
from gunicorn.workers import gthread

from config.gunicorn_worker.event_loop import WaitingWorker
from config.gunicorn_worker.worker import Worker
from tests.conftest import ROOT

LOOK = "Look at gunicorn's changes, and at config/gunicorn_worker/ and config/gunicorn.py."
# Methods that config/ overrides or calls, with the parameters that it expects.
SIGNATURES = {
    gthread.ThreadWorker: {
        "__init__": "(self, *args, **kwargs)",
        "_cap_keepalive": "(self, deadline)",
        "accept": "(self, listener)",
        "enqueue_req": "(self, conn)",
        "finish_request": "(self, conn, fs)",
        "handle": "(self, conn)",
        "handle_error": "(self, req, client, addr, exc)",
        "handle_request": "(self, req, conn)",
        "murder_pending": "(self)",
        "notify": "(self)",
        "on_client_socket_readable": "(self, conn, client)",
        "run": "(self)",
        "set_accept_enabled": "(self, enabled)",
    },
    gthread.TConn: {"__init__": "(self, cfg, sock, client, server)", "close": "(self, graceful=False)"},
    RequestParser: {"__init__": "(self, cfg, source, source_addr)"},
    SocketUnreader: {
        "__init__": "(self, sock, max_chunk=8192)",
        "chunk": "(self, size_hint=None)",
        "take_buffered": "(self)",
        "unread": "(self, data)",
    },
    Request: {"force_close": "(self)"},
    Logger: {"setup": "(self, cfg)", "access": "(self, resp, req, environ, request_time)"},
    Arbiter: {"signal": "(self, sig, frame)"},
}


@pytest.mark.parametrize(
    "owner, name", [(owner, name) for owner, methods in SIGNATURES.items() for name in methods], ids=str
)
def test_methods_have_the_expected_parameters(owner, name):
    method = getattr(owner, name, None)
    assert method, f"gunicorn's {owner.__name__} has no {name}() any more. {LOOK}"
    expected, signature = SIGNATURES[owner][name], str(inspect.signature(method))
    assert signature == expected, f"gunicorn's {owner.__name__}.{name} takes {signature}, not {expected}. {LOOK}"


def test_every_overridden_or_extended_method_is_listed_here():
    names = {name for worker in (Worker, WaitingWorker) for name in vars(worker)}
    overridden = {name for name in names if hasattr(gthread.ThreadWorker, name) and not name.startswith("__")}
    assert overridden <= {*SIGNATURES[gthread.ThreadWorker]}


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the names used in a function and its nested functions."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


# Methods of gunicorn's worker, and the methods and attributes replaced by config/ that each uses.
USES: dict[str, list[str]] = {
    "run": ["notify", "worker_connections", "nr_conns", "murder_pending", "set_accept_enabled", "_cap_keepalive"],
    "enqueue_req": ["tpool", "handle", "method_queue", "finish_request"],
    "set_accept_enabled": ["accept"],
    "finish_request": ["nr_conns", "keepalived_conns", "pending_conns"],
    "handle": ["handle_request", "handle_error", "parser", "data_ready"],
    "handle_request": ["pre_request"],
}


@pytest.mark.parametrize("method", USES)
def test_gunicorn_calls_the_replaced_methods(method):
    used = {*names_in(getattr(gthread.ThreadWorker, method).__code__)}
    missing = {*USES[method]} - used
    assert not missing, f"gunicorn's ThreadWorker.{method}() no longer uses {missing}. {LOOK}"


def test_objects_have_the_used_attributes():
    config = settings.Config()
    worker = Worker(1, 1, [], None, 30, config, Logger(config))
    worker.tmp.close()
    for name, kind in {"alive": bool, "nr_conns": int, "keepalived_conns": deque, "pending_conns": deque}.items():
        assert isinstance(getattr(worker, name, None), kind), f"gunicorn's worker has no {name}, a {kind}. {LOOK}"
    for name in ("cfg", "log", "sockets", "pid", "poller"):
        assert hasattr(worker, name), f"gunicorn's worker has no {name} any more. {LOOK}"
    assert worker.most == config.worker_connections, f"gunicorn's worker does not set worker_connections. {LOOK}"
    poller = gthread.ThreadWorker.init_process.__code__.co_names
    assert "DefaultSelector" in poller, f"gunicorn's worker polls by another object than a selector. {LOOK}"
    parser = RequestParser(config, BytesIO(), ("127.0.0.1", 1))
    assert isinstance(parser.unreader.buf, BytesIO), f"gunicorn's parser keeps bytes elsewhere than in a buf. {LOOK}"
    for name in ("parser", "sock", "client", "data_ready"):
        assert name in gthread.TConn.__init__.__code__.co_names, f"gunicorn's TConn has no {name} any more. {LOOK}"
    assert gthread.STOP_KEEPALIVE_LINGER > 0
    assert "sent" in Response.__init__.__code__.co_names, f"gunicorn's Response has no sent any more. {LOOK}"
    log = Logger(config)
    assert log.error_log.handlers and log.access_log is not None
    assert Arbiter.APP_LOAD_ERROR == 4, f"config/wsgi.py ends a worker by 4, which stopped gunicorn. {LOOK}"


def test_each_error_of_the_parser_has_a_message():
    for name in ("ParseException", "ConfigurationProblem", "InvalidResponseHeader", "InvalidResponseHeaderName"):
        assert issubclass(getattr(errors, name), Exception)


def test_gunicorn_knows_every_setting_of_config_gunicorn():
    """Check the names in the configuration file: gunicorn ignores unknown ones."""
    options = {
        "worker_class", "threads", "workers", "graceful_timeout", "preload_app", "sendfile", "limit_request_line",
        "worker_connections", "control_socket_disable", "secure_scheme_headers", "worker_tmp_dir", "accesslog",
        "logger_class", "when_ready", "pre_request", "child_exit",
    }  # fmt: skip
    tree = ast.parse((ROOT / "config/gunicorn.py").read_text())  # importing the file would start the metrics
    assigned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert options <= assigned | {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    unknown = options - {setting.name for setting in settings.KNOWN_SETTINGS}
    assert not unknown, f"gunicorn no longer has the settings {unknown}. {LOOK}"
