"""Prefetch: run an iterator in a separate thread, a bounded number of items ahead of its consumer."""

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


LOOK = 0.25  # seconds between two calls of check
PATIENCE = 1.0  # seconds to wait for the thread at the end


def ahead(iterable: Iterable[Item], depth: int = 2, check: Callable[[], None] = lambda: None) -> Iterator[Item]:
    """Yield the items of the iterable, produced in a thread at most `depth` items ahead.

    Exceptions of the iterable are raised here, after the items before them. `check` is called while an item takes long;
    its exceptions are raised here too. Closing this generator stops the thread, closes the iterable, and waits for
    both; a thread that takes longer for an item ends after it.
    """
    items: SimpleQueue[tuple[Item | None, BaseException | None, bool]] = SimpleQueue()
    slots = threading.Semaphore(depth)
    stopped = threading.Event()
    thread = threading.Thread(target=_produce, args=(iterable, items, slots, stopped), name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item, error, more = items.get(timeout=LOOK)
            except Empty:
                check()
                continue
            if error is not None:
                raise error
            if not more:
                return
            slots.release()
            yield item
    finally:
        stopped.set()
        slots.release()
        thread.join(PATIENCE)


def _produce(iterable: Iterable, items: SimpleQueue, slots: threading.Semaphore, stopped: threading.Event) -> None:
    source = None
    error = None
    try:
        source = iter(iterable)
        while True:
            slots.acquire()
            if stopped.is_set():
                break
            try:
                item = next(source)
            except StopIteration:
                break
            items.put((item, None, True))
            del item  # frees a batch's memory after the consumer, while this thread waits for a slot
    except BaseException as raised:
        error = raised
    try:
        if hasattr(source, "close"):
            source.close()
    except BaseException as raised:
        error = error or raised
    items.put((None, error, False))
