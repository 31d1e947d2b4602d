"""Iterators that run in threads of their own, a few items ahead of their consumer."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

__all__ = ["Prefetcher", "StoppedError", "prefetched"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_POLL_SECONDS = 0.1
_ITEMS_AHEAD = 2
_READER_JOIN_SECONDS = 0.2
"""Short, because a reader may wait for a pipe forever."""
_COMPUTING_JOIN_SECONDS = 10.0
"""Enough for a prediction to end its batch and write it to the store, which is closed next."""


class StoppedError(Exception):
    """Raised in a prefetching stage when its items are no longer needed."""


class Prefetcher(Generic[_Item]):
    """Produce the items of an iterator in a thread, up to `depth` of them in advance.

    An exception of the iterator is raised in place of the item that it did not produce.
    """

    def __init__(
        self, items: Iterator[_Item], depth: int, stop: threading.Event, join_seconds: float
    ) -> None:
        """Start the thread.

        Args:
            items: consumed in that thread only.
            depth: the maximum number of items produced in advance.
            stop: ends the thread at its next item once it is set, by any thread.
            join_seconds: how long leaving the `with` block waits for the thread.
        """
        self._items = items
        self._stop = stop
        self._join_seconds = join_seconds
        self._queue: queue.Queue[tuple[_Item | None, BaseException | None]] = queue.Queue(depth)
        self._thread = threading.Thread(target=self._run, name="genre-batch-prefetch", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for item in self._items:
                self._put(item, None)
            self._put(None, StopIteration())
        except StoppedError:
            pass
        except BaseException as error:  # a panic in polars is not an Exception
            with contextlib.suppress(StoppedError):
                self._put(None, error)

    def _put(self, item: _Item | None, error: BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put((item, error), timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
        raise StoppedError

    def __iter__(self) -> Iterator[_Item]:
        while True:
            try:
                item, error = self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if self._stop.is_set():
                    raise StoppedError from None
                continue
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            assert item is not None
            yield item

    def __enter__(self) -> Prefetcher[_Item]:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        # A thread that waits for a pipe cannot be woken; as a daemon it ends with the process.
        self._thread.join(self._join_seconds)


@contextlib.contextmanager
def prefetched(
    items: Iterator[_Item], compute: Callable[[_Item], _Result], stop: threading.Event
) -> Iterator[Iterator[tuple[_Item, _Result]]]:
    """Read items in one thread and compute a result of each in another, ahead of the caller.

    Args:
        items: read in a thread of their own.
        compute: called with each item, in a second thread.
        stop: ends both threads once it is set, by any thread.
    """
    read = Prefetcher(items, _ITEMS_AHEAD, stop, _READER_JOIN_SECONDS)
    results = ((item, compute(item)) for item in read)
    with read, Prefetcher(results, _ITEMS_AHEAD, stop, _COMPUTING_JOIN_SECONDS) as computed:
        yield iter(computed)
