"""Prepare the worker process that renders images of charts; render_client.py runs this file in it, without Django.

vl-convert holds Python's global interpreter lock while it renders, so it runs in a separate process.
"""

import os
import signal
from multiprocessing import parent_process
from threading import Thread


def end_with_parent() -> None:
    """End this process when its parent ends, even by SIGKILL: the executor's workers would wait forever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(0)


signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # discard vl-convert's warnings
for name in {*os.environ} - {"PATH", "HOME", "LANG", "TZ"}:
    del os.environ[name]  # the site's secrets
Thread(target=end_with_parent, daemon=True).start()
