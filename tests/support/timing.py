"""The processor time of a call, which other work on the machine does not change much."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["processor_seconds"]


def processor_seconds(call: Callable[[], object]) -> float:
    """Return how many seconds a call keeps the processor busy."""
    started = time.process_time()
    call()
    return time.process_time() - started
