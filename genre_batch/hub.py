"""Loading from the model hub: the cache first, and no long wait where there is no network."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

from genre_batch.errors import TrainingError

__all__ = ["cached_folder", "check_available", "load_from_hub"]

Loaded = TypeVar("Loaded")

_LOGGERS = ("huggingface_hub", "urllib3", "transformers")
_TIMEOUT_SECONDS = 4.0
"""Timeout of a request to the hub, the lookup of its address included."""


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


def check_available(name: str, parameter: str) -> None:
    """Check that an encoder is in a folder or the cache, or that the hub can be reached.

    Does not import torch.

    Args:
        name: a hub id, or a local folder.
        parameter: the parameter that `name` is the value of, for the message.

    Raises:
        TrainingError: it is in neither, and the hub cannot be reached.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    if os.path.isdir(name):
        return
    with _quiet(), contextlib.suppress(HFValidationError):  # reported when it is loaded
        cached = try_to_load_from_cache(name, "config.json")
        if not isinstance(cached, str) and not _is_reachable():
            raise TrainingError(
                f"the encoder {name!r} cannot be loaded (it is not in the cache, and the hub "
                f"cannot be reached): give a local folder, or use `{parameter}` minilm, which "
                f"needs no download"
            )


def cached_folder(name: str) -> str:
    """Return the folder of the hub client's cache with an encoder's weights; empty if none is."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    with _quiet(), contextlib.suppress(HFValidationError):
        cached = try_to_load_from_cache(name, "model.safetensors")
        return os.path.dirname(cached) if isinstance(cached, str) else ""
    return ""


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
    """Return whether the hub can be reached; False if the user set the client to work offline."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    if constants.HF_HUB_OFFLINE:
        return False
    reached = threading.Event()

    def request() -> None:
        with contextlib.suppress(Exception):  # the errors depend on the client's HTTP library
            get_session().head(constants.ENDPOINT, timeout=_TIMEOUT_SECONDS)
            reached.set()

    requesting = threading.Thread(target=request, daemon=True)
    requesting.start()
    requesting.join(_TIMEOUT_SECONDS)
    return reached.is_set()
