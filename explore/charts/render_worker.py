"""Prepare the process that draws images of charts; render_client.py has it run first there, without Django.

vl-convert holds Python's lock while it draws, so that it draws in a process of its own.
"""

import os
import signal
from multiprocessing import parent_process
from threading import Thread


def end_with_parent() -> None:
    """End this process when its parent ends, even by SIGKILL: the executor's own workers would wait for ever."""
    parent_process().join()
    os._exit(0)


signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # vl-convert's own warnings
for name in {*os.environ} - {"PATH", "HOME", "LANG", "TZ"}:
    del os.environ[name]  # secrets of the site
Thread(target=end_with_parent, daemon=True).start()
