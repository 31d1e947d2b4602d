"""Iterators that run ahead: the same items, errors where they belong, and an end on demand."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from genre_batch.tagging.prefetch import Prefetcher


def _ahead(items: Iterator[int], stop: threading.Event | None = None) -> Prefetcher[int]:
    return Prefetcher(items, 2, stop or threading.Event(), 5.0)


def test_the_items_come_in_order() -> None:
    with _ahead(iter(range(100))) as items:
        assert list(items) == list(range(100))


def test_an_error_comes_where_its_item_would_have() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("second")

    with _ahead(failing()) as ahead:
        items = iter(ahead)
        assert next(items) == 1
        with pytest.raises(ValueError, match="second"):
            next(items)


def test_only_a_few_items_are_made_before_they_are_wanted() -> None:
    made: list[int] = []

    def counting() -> Iterator[int]:
        for at in itertools.count():
            made.append(at)
            yield at

    with _ahead(counting()) as ahead:
        assert next(iter(ahead)) == 0
        time.sleep(0.3)
        assert len(made) <= 5


def test_whoever_stops_reading_ends_the_thread() -> None:
    before = threading.active_count()
    with _ahead(itertools.count()) as ahead:
        next(iter(ahead))
    assert threading.active_count() == before


def test_stages_can_stand_one_behind_the_other() -> None:
    stop = threading.Event()
    first = _ahead(iter(range(10)), stop)
    second = _ahead((2 * item for item in first), stop)
    with first, second:
        assert list(second) == [2 * item for item in range(10)]


def test_a_reader_that_waits_for_ever_does_not_hold_up_the_end() -> None:
    waiting = threading.Event()

    def stuck() -> Iterator[int]:
        yield 1
        waiting.wait(60)

    with Prefetcher(stuck(), 2, threading.Event(), join_seconds=0.1) as ahead:
        assert next(iter(ahead)) == 1
        started = time.monotonic()
    assert time.monotonic() - started < 30
    waiting.set()
