"""Signals while native code runs that loses exceptions: noted, and handled afterwards."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["DeferredSignals"]

_Handler = Callable[[int, FrameType | None], Any] | int | None

_STOPPING = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU),
)


class DeferredSignals:
    """Takes note of signals that stop the process.

    Ray replaces handlers, and an exception that a handler raises while Ray waits becomes another.

    Attributes:
        taken: the first signal; None as long as none has arrived.
    """

    def __init__(self) -> None:
        """Remember the handlers; outside the main thread, which alone has them, do nothing."""
        self.taken: int | None = None
        self._handlers: dict[int, _Handler] = {}
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.getsignal(number) for number in _STOPPING}

    def defer(self) -> None:
        """Take note of signals from now on; those that were ignored stay ignored."""
        for number, handler in self._handlers.items():
            ignored = handler is signal.SIG_IGN
            signal.signal(number, signal.SIG_IGN if ignored else self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.taken is None:
            self.taken = number

    def restore(self) -> None:
        """Put the handlers back."""
        for number, handler in self._handlers.items():
            if handler is not None:
                signal.signal(number, handler)

    def deliver(self) -> None:
        """Do what the signal that was noted would have done.

        Raises:
            BaseException: whatever its handler raises.
        """
        if self.taken is None:
            return
        handler = self._handlers[self.taken]
        if callable(handler):
            handler(self.taken, None)
        else:
            os.kill(os.getpid(), self.taken)
