"""Render images of charts, one at a time, in a worker process that ends with this one."""

import json
import os
import runpy
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import BoundedSemaphore, Lock, Thread
from typing import Any, TypeVar

import vl_convert
from django.conf import settings

Result = TypeVar("Result")
PREPARATION = Path(__file__).with_name("render_worker.py")
PATIENCE = 30  # seconds for one image; the first image of a worker takes two
VERSION = "6.4"  # of Vega-Lite
SCREEN_DPI = 72  # of an image without another resolution
QUALITY = 92  # of a JPEG, up to 100


class RendererBusyError(Exception):
    """Too many images are waiting for the worker."""


class RenderingError(Exception):
    """The worker could not render an image; the message says why."""


class Renderer:
    """One worker process: started by the first call, and replaced after it died or took too long."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Forget the worker: after a fork, the worker belongs to the parent process."""
        self._lock = Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._process: BaseProcess | None = None

    def call(self, function: Callable[..., Result], *arguments: Any, **options: Any) -> Result:
        """Call *function* in the worker and return its result; raises RenderingError."""
        with self._lock:
            for _ in range(2):  # a second time if the worker died since the last image
                try:
                    self._pool = self._pool or self._started()
                    return self._pool.submit(function, *arguments, **options).result(PATIENCE)
                except ValueError as error:  # vl-convert's error for an invalid chart
                    raise RenderingError(str(error)[:500]) from None
                except TimeoutError:
                    self._end()
                    raise RenderingError(f"The image could not be rendered within {PATIENCE} seconds.") from None
                except BrokenProcessPool:
                    self._end()
            raise RenderingError("The image could not be rendered: the rendering process exited.")

    def _started(self) -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=runpy.run_path, initargs=(str(PREPARATION),))
        others = active_children()
        pool.submit(os.getpid)  # starts the worker
        [self._process] = set(active_children()).difference(others)
        Thread(target=self._release, args=(pool, self._process), daemon=True).start()
        return pool

    def _release(self, pool: ProcessPoolExecutor, process: BaseProcess) -> None:
        """Release the pool's semaphores as soon as the worker has died.

        A Jupyter kernel kills its child processes, and is then killed before it could release the semaphores at exit.
        """
        wait([process.sentinel])
        with self._lock:
            if self._pool is pool:
                self._end()

    def _end(self) -> None:
        pool, process = self._pool, self._process
        self._pool = self._process = None
        if process:
            process.kill()  # from Python 3.14 on: pool.kill_workers()
            process.join()
        if pool:
            pool.shutdown(wait=False)


renderer = Renderer()
os.register_at_fork(after_in_child=renderer.forget)
# At most half of the server's threads render images or wait to, so that pages never wait for images.
permits = BoundedSemaphore(settings.STREAMS_AT_ONCE)


def render(suffix: str, spec: dict[str, Any], scale: float = 1, dpi: int | None = None) -> bytes:
    """Return *spec* as a ``png``, ``jpg`` or ``svg`` image; raises RendererBusyError or RenderingError.

    A PNG says that it has *dpi* pixels per inch.
    """
    if not permits.acquire(blocking=False):
        raise RendererBusyError
    try:
        return _render(suffix, json.dumps(spec), scale, dpi)
    finally:
        permits.release()


def _render(suffix: str, spec: str, scale: float, dpi: int | None) -> bytes:
    options: dict[str, Any] = {"vl_version": VERSION, "allowed_base_urls": []}  # the renderer must not use the network
    if suffix == "svg":
        return renderer.call(vl_convert.vegalite_to_svg, spec, **options).encode()
    if suffix == "jpg":
        return renderer.call(vl_convert.vegalite_to_jpeg, spec, scale=scale, quality=QUALITY, **options)
    if dpi:  # vl-convert enlarges the image by the resolution
        options |= {"ppi": dpi}
        scale *= SCREEN_DPI / dpi
    return renderer.call(vl_convert.vegalite_to_png, spec, scale=scale, **options)
