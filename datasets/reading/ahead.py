"""Reading ahead: an iterator that works in a thread of its own, a bounded number of items before its consumer."""

import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


def ahead(iterable: Iterable[Item], depth: int = 2) -> Iterator[Item]:
    """The items of the iterable, made in a thread at most `depth` items ahead.

    What the iterable raises is raised here, after the items before it. Closing this generator stops the thread, closes
    the iterable in it, and waits for both.
    """
    items: SimpleQueue[tuple[Item | None, BaseException | None, bool]] = SimpleQueue()
    slots = threading.Semaphore(depth)
    stopped = threading.Event()
    thread = threading.Thread(target=_produce, args=(iterable, items, slots, stopped), name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, error, more = items.get()
            if error is not None:
                raise error
            if not more:
                return
            slots.release()
            yield item
    finally:
        stopped.set()
        slots.release()
        thread.join()


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
            del item  # while it waits for a slot, a batch is the consumer's alone
    except BaseException as raised:
        error = raised
    try:
        if hasattr(source, "close"):
            source.close()
    except BaseException as raised:
        error = error or raised
    items.put((None, error, False))
