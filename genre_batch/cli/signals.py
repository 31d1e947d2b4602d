"""Signals that stop the command: the first one stops it, all others are ignored.

Imported first, before anything that takes time.
"""

from __future__ import annotations

import _thread
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

__all__ = ["STOP_SIGNALS", "StopSignals", "StoppedBySignal", "last_line"]

_STOP_SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    # Batch systems announce the end of a job's time with these.
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
)

_EXIT_BASE = 128
"""The exit code after a signal is this plus the signal's number, as in shells."""

_SECONDS_TO_LEAVE = 30.0
"""A process that has not left by then is stuck, for example in a write to a pipe nobody reads."""

_SECONDS_TO_REPEAT = 0.02


class StoppedBySignal(BaseException):
    """A signal, raised once in the main thread so that every `with` block is closed.

    Attributes:
        number: the signal.
        code: the exit code of the process.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.code = _EXIT_BASE + number
        super().__init__(number)

    def __str__(self) -> str:
        return signal.Signals(self.number).name


def last_line(stopped: StoppedBySignal) -> str:
    """Return the line that a stopped command prints."""
    return f"Stopped by {stopped}: {STOP_SIGNALS.outcome()}"


def _nothing_incomplete() -> str:
    return "no incomplete output was left"


class StopSignals:
    """The signals of this process.

    Attributes:
        taken: the signal that stops the command; None as long as none has arrived.
        working: whether the command has begun its work. Before, there is nothing to close.
        outcome: returns what the stopped command left, and how to resume it; in ASCII.
    """

    def __init__(self) -> None:
        self.taken: StoppedBySignal | None = None
        self.working = False
        self.outcome: Callable[[], str] = _nothing_incomplete
        self._closed = False
        self._is_repeating = False

    def install(self) -> None:
        """Handle the signals from now on, by raising `StoppedBySignal` in the main thread.

        SIGHUP stays ignored if it is (nohup). SIGINT does not: a shell without job control ignores
        it in what it starts in the background.
        """
        for number in _STOP_SIGNALS:
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            signal.signal(number, self._take)
        sys.unraisablehook = self._unraisable

    def close(self) -> None:
        """Ignore all further signals: the command is about to print its last line.

        The handler stays in place, because Python complains about a signal that arrived before its
        handler was removed.
        """
        self._closed = True

    def ignore(self) -> None:
        """Ignore the signals in the kernel too, so that none ends the process as Python exits."""
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.taken is not None or self._closed:
            return
        if self.working and _is_importing(frame):
            self._repeat(number)
            return
        self.taken = StoppedBySignal(number)
        if not self.working:
            _leave(self.taken)
        _thread.start_new_thread(self._leave_late, (self.taken,))
        raise self.taken

    def _unraisable(self, unraisable: UnraisableHookArgs) -> None:
        """Repeat a signal that was raised in a finalizer, where Python drops exceptions."""
        stopped = unraisable.exc_value
        if isinstance(stopped, StoppedBySignal):
            self.taken = None
            self._repeat(stopped.number)
        elif self.taken is None:
            sys.__unraisablehook__(unraisable)

    def _repeat(self, number: int) -> None:
        """Send a signal again, a moment later; only the first one if several arrive meanwhile."""
        if not self._is_repeating:
            self._is_repeating = True
            # Not threading.Thread, whose lock the interrupted code may hold.
            _thread.start_new_thread(self._send_again, (signal.Signals(number),))

    def _send_again(self, number: signal.Signals) -> None:
        time.sleep(_SECONDS_TO_REPEAT)
        self._is_repeating = False
        _thread.interrupt_main(number)

    def _leave_late(self, stopped: StoppedBySignal) -> None:
        """End a process that is stuck; whatever it has stored is safe from being killed."""
        time.sleep(_SECONDS_TO_LEAVE)
        if not self._closed:
            _leave(stopped)


def _is_importing(frame: FrameType | None) -> bool:
    """Return whether a module is being imported: native modules drop or change exceptions then."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _leave(stopped: StoppedBySignal) -> NoReturn:
    with contextlib.suppress(OSError):
        os.write(2, last_line(stopped).encode("ascii") + b"\n")
    os._exit(stopped.code)


STOP_SIGNALS = StopSignals()
"""The signals of this process, as the command handles them."""
