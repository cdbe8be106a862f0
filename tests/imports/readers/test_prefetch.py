"""Prefetch: the same items in order, within the depth, and the end of the thread."""

import threading

import pytest

from imports.readers import ReadError, ahead


def test_prefetch_returns_the_same_items_in_order():
    assert list(ahead(iter(range(100)))) == list(range(100))


def test_the_prefetch_is_bounded():
    made = []
    items = ahead((made.append(n) or n for n in range(100)), depth=3)
    assert next(items) == 0
    for thread in threading.enumerate():
        if thread.name == "ahead":
            thread.join(0.2)  # the thread had enough time
    assert 1 <= len(made) <= 4
    items.close()


def test_prefetch_raises_the_errors_of_its_source():
    def broken():
        yield 1
        raise ReadError("no more.")

    items = ahead(broken())
    assert next(items) == 1
    with pytest.raises(ReadError, match=r"no more\."):
        next(items)


def test_prefetch_ends_its_thread_and_closes_its_source_if_the_consumer_stops():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    items = ahead(endless())
    next(items)
    items.close()
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]
