"""Images of charts, made one at a time in a process beside this one, which ends when this one does."""

import json
import os
import runpy
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

import vl_convert
from django.conf import settings

PREPARATION = Path(__file__).with_name("render_worker.py")
PATIENCE = 30  # seconds for one image; the first one of a process takes two
VERSION = "6.4"
QUALITY = 92  # of a JPEG


class Busy(Exception):
    """So many images are being made that another one would have to wait for too long."""


class Unrenderable(Exception):
    """An image that could not be made, and why."""


class Renderer:
    """One worker process; it is started when it is first asked, and anew after one that died or was too slow."""

    def __init__(self):
        self._lock = Lock()
        self._pool: ProcessPoolExecutor | None = None

    def call(self, function: Callable, *arguments, **options) -> Any:
        """Return what *function* returns in the worker; raises Unrenderable."""
        with self._lock:
            for _ in range(2):  # that a worker died since the last image is only seen now
                self._pool = self._pool or ProcessPoolExecutor(
                    1, get_context("spawn"), initializer=runpy.run_path, initargs=(str(PREPARATION),)
                )
                try:
                    return self._pool.submit(function, *arguments, **options).result(PATIENCE)
                except ValueError as error:  # as vl-convert says what it could not draw
                    raise Unrenderable(str(error)[:500]) from None
                except TimeoutError:
                    self._end()
                    raise Unrenderable(f"The image could not be made: it took more than {PATIENCE} seconds.") from None
                except BrokenProcessPool:
                    self._end()
            raise Unrenderable("The image could not be made: its process ended.")

    def _end(self) -> None:
        pool, self._pool = self._pool, None
        for process in list(pool._processes.values()):  # as kill_workers() does from Python 3.14 on
            process.kill()
            process.join()
        pool.shutdown(wait=False)


renderer = Renderer()
os.register_at_fork(after_in_child=renderer.__init__)  # the worker is the parent's
# Threads that make images or wait to: at most half of all, so that pages never wait for them.
_places = BoundedSemaphore(settings.STREAMS_AT_ONCE)


def render(format: str, spec: dict[str, Any], scale: float = 1) -> bytes:
    """Return *spec* as ``png``, ``jpg`` or ``svg``; raises Busy, and Unrenderable."""
    if not _places.acquire(blocking=False):
        raise Busy
    try:
        return _render(format, json.dumps(spec), scale)
    finally:
        _places.release()


def _render(format: str, spec: str, scale: float) -> bytes:
    options: dict[str, Any] = {"vl_version": VERSION, "allowed_base_urls": []}  # it may fetch nothing from anywhere
    if format == "svg":
        return renderer.call(vl_convert.vegalite_to_svg, spec, **options).encode()
    if format == "jpg":
        return renderer.call(vl_convert.vegalite_to_jpeg, spec, scale=scale, quality=QUALITY, **options)
    return renderer.call(vl_convert.vegalite_to_png, spec, scale=scale, **options)
