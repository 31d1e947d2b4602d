"""Loading from the model hub: the cache first, and no long wait where there is no network."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

__all__ = ["load_from_hub"]

Loaded = TypeVar("Loaded")

_LOGGERS = ("huggingface_hub", "urllib3", "transformers")
_TIMEOUT_SECONDS = 4.0
"""How long to wait for the hub's answer; looking up its name has no limit of its own."""


def load_from_hub(name: str, load: Callable[[bool], Loaded]) -> Loaded:
    """Load a model: from its folder or the hub client's cache, or else from the hub.

    The client has no option for its number of retries: without a network it logs and waits for a
    minute. If it may read local files only, it fails immediately.

    Args:
        name: a hub id or a local folder.
        load: loads it, given whether only local files may be read.

    Raises:
        Exception: whatever `load` raises; of local files if the hub cannot be reached.
    """
    with _quiet():
        try:
            return load(True)
        except Exception:
            if os.path.isdir(name) or not _is_reachable():
                raise
        return load(False)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the log of the hub client."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    try:
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _is_reachable() -> bool:
    """Return whether the hub answers soon, unless the user asked to work offline."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    if constants.HF_HUB_OFFLINE:
        return False
    answered = threading.Event()

    def ask() -> None:
        with contextlib.suppress(Exception):  # the errors depend on the client's HTTP library
            get_session().head(constants.ENDPOINT, timeout=_TIMEOUT_SECONDS)
            answered.set()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_TIMEOUT_SECONDS)
    return answered.is_set()
