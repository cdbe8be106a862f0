"""Images of charts, made one at a time in a process beside this one, which ends when this one does."""

import atexit
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any

from django.conf import settings

PROGRAM = Path(__file__).with_name("renderer.py")
PATIENCE = 30  # seconds for one image; the first one of a process takes two
IDLE = 600  # seconds after which a process that was not asked is not kept for the next request


class Busy(Exception):
    """So many images are being made that another one would have to wait for too long."""


class Unrenderable(Exception):
    """An image that could not be made, and why."""


class Renderer:
    """A process that makes images; it is started when it is first asked, and anew after one that failed."""

    def __init__(self):
        self._lock = Lock()
        self._process: subprocess.Popen | None = None
        self._owner = self._asked = 0.0

    def render(self, format: str, spec: dict[str, Any], scale: float) -> bytes:
        """Return *spec* as ``png``, ``jpg`` or ``svg``; raises Unrenderable."""
        with self._lock:
            process = self._running()
            request = json.dumps({"format": format, "spec": spec, "scale": scale}).encode() + b"\n"
            until = time.monotonic() + PATIENCE
            try:
                process.stdin.write(request)
                process.stdin.flush()
                told = json.loads(self._line(process, until))
                if "error" in told:
                    raise Unrenderable(told["error"])
                return self._read(process, told["size"], until)
            except (OSError, EOFError, ValueError, TimeoutError) as error:
                self._end()
                raise Unrenderable(f"The image could not be made: {error or type(error).__name__}.") from None

    def _running(self) -> subprocess.Popen:
        now, self._asked = self._asked, time.monotonic()
        if self._owner != os.getpid():
            self._process = None  # that of the process we were forked from
        elif self._process and (self._process.poll() is not None or self._asked - now > IDLE):
            self._end()
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", str(PROGRAM)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env={name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TZ")},
            )
            self._owner = os.getpid()
        return self._process

    def _line(self, process: subprocess.Popen, until: float) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += self._read(process, 1, until)
        return line

    def _read(self, process: subprocess.Popen, size: int, until: float) -> bytes:
        parts, missing = [], size
        while missing:
            if not select.select([process.stdout], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError(f"it took more than {PATIENCE} seconds")
            part = os.read(process.stdout.fileno(), min(missing, 1 << 20))
            if not part:
                raise EOFError("its process ended")
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def close(self) -> None:
        """End the process, if it is ours."""
        if self._owner == os.getpid():
            self._end()


renderer = Renderer()
atexit.register(renderer.close)
# Threads that make images or wait to: at most half of all, so that pages never wait for them.
_places = BoundedSemaphore(settings.STREAMS_AT_ONCE)


def render(format: str, spec: dict[str, Any], scale: float = 1) -> bytes:
    """Return *spec* as ``png``, ``jpg`` or ``svg``; raises Busy, and Unrenderable."""
    if not _places.acquire(blocking=False):
        raise Busy
    try:
        return renderer.render(format, spec, scale)
    finally:
        _places.release()
