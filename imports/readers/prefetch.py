"""Run an iterator in a separate thread, at most a fixed number of items ahead of its consumer."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")


LOOK = 0.25  # seconds between two calls of ``check``
PATIENCE = 1.0  # seconds to wait for the thread to end


@dataclass(frozen=True)
class _End:
    """A marker for the end of the items, with the exception that the iterable has raised, if any."""

    error: BaseException | None


def ahead(iterable: Iterable[Item], depth: int = 2, check: Callable[[], None] = lambda: None) -> Iterator[Item]:
    """Yield the items of the iterable, which a thread produces at most `depth` items ahead.

    Exceptions in the iterable are raised here, after the preceding items. `check` is called repeatedly while an item
    takes long, and its exceptions are raised here too. Closing this generator stops the thread, closes the iterable,
    and waits for both. If the current item takes longer, the thread ends after that item.
    """
    items: SimpleQueue[tuple[Item] | _End] = SimpleQueue()
    slots = threading.Semaphore(depth)
    stopped = threading.Event()
    thread = threading.Thread(target=_produce, args=(iterable, items, slots, stopped), name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                made = items.get(timeout=LOOK)
            except Empty:
                check()
                continue
            if isinstance(made, _End):
                if made.error is not None:
                    raise made.error
                return
            slots.release()
            yield made[0]
    finally:
        stopped.set()
        slots.release()
        if thread is not threading.current_thread():  # which closes this generator if it collects it as garbage
            thread.join(PATIENCE)


def _produce(
    iterable: Iterable[Item],
    items: SimpleQueue[tuple[Item] | _End],
    slots: threading.Semaphore,
    stopped: threading.Event,
) -> None:
    source: Iterator[Item] | None = None
    error: BaseException | None = None
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
            items.put((item,))
            del item  # free the batch's memory while this thread waits for a slot
    except BaseException as raised:
        error = raised
    try:
        if close := getattr(source, "close", None):
            close()
    except BaseException as raised:
        error = error or raised
    items.put(_End(error))
