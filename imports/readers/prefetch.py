"""Reading ahead: an iterator that works in a thread of its own, a bounded number of items before its consumer."""

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


LOOK = 0.25  # seconds between two looks at whether to go on
PATIENCE = 1.0  # seconds that the end waits for the item which is being made


def ahead(iterable: Iterable[Item], depth: int = 2, check: Callable[[], None] = lambda: None) -> Iterator[Item]:
    """The items of the iterable, made in a thread at most `depth` items ahead.

    What the iterable raises is raised here, after the items before it; `check` is called while an item takes long, and
    what it raises is raised here. Closing this generator stops the thread, closes the iterable in it, and waits for
    both; a thread that makes an item for longer ends after it by itself.
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
            del item  # while it waits for a slot, a batch is the consumer's alone
    except BaseException as raised:
        error = raised
    try:
        if hasattr(source, "close"):
            source.close()
    except BaseException as raised:
        error = error or raised
    items.put((None, error, False))
