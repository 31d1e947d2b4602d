"""tagging/prefetch.py: the same items in order, errors in place, and a stop on demand."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from genre_batch.tagging.prefetch import Prefetcher


def _prefetch(items: Iterator[int], stop: threading.Event | None = None) -> Prefetcher[int]:
    return Prefetcher(items, 2, stop or threading.Event(), 5.0)


def test_the_items_come_in_order() -> None:
    with _prefetch(iter(range(100))) as items:
        assert list(items) == list(range(100))


def test_an_error_is_raised_in_place_of_its_item() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("second")

    with _prefetch(failing()) as prefetcher:
        items = iter(prefetcher)
        assert next(items) == 1
        with pytest.raises(ValueError, match="second"):
            next(items)


def test_only_a_few_items_are_produced_in_advance() -> None:
    produced: list[int] = []

    def counting() -> Iterator[int]:
        for number in itertools.count():
            produced.append(number)
            yield number

    with _prefetch(counting()) as prefetcher:
        assert next(iter(prefetcher)) == 0
        time.sleep(0.3)
        assert len(produced) <= 5


def test_a_consumer_that_stops_ends_the_thread() -> None:
    before = threading.active_count()
    with _prefetch(itertools.count()) as prefetcher:
        next(iter(prefetcher))
    assert threading.active_count() == before


def test_stages_can_be_chained() -> None:
    stop = threading.Event()
    first = _prefetch(iter(range(10)), stop)
    second = _prefetch((2 * item for item in first), stop)
    with first, second:
        assert list(second) == [2 * item for item in range(10)]


def test_a_reader_that_waits_forever_does_not_delay_the_end() -> None:
    waiting = threading.Event()

    def stuck() -> Iterator[int]:
        yield 1
        waiting.wait(60)

    with Prefetcher(stuck(), 2, threading.Event(), join_seconds=0.1) as prefetcher:
        assert next(iter(prefetcher)) == 1
        started = time.monotonic()
    assert time.monotonic() - started < 30
    waiting.set()
