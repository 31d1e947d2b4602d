"""Loading from the model hub without waiting and without the hub client's log."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

__all__ = ["hub_access"]

_LOGGERS = ("huggingface_hub", "urllib3")
_TIMEOUT_SECONDS = 10.0


@contextlib.contextmanager
def hub_access(name: str) -> Iterator[dict[str, bool]]:
    """Silence the warnings of the hub client and check once whether the hub can be reached.

    The client has no option for its number of retries: without a network it logs and waits for a
    minute. With `local_files_only`, it reads its cache and fails immediately.

    Args:
        name: a hub id or a local folder.

    Yields:
        Keywords for `from_pretrained`: whether only local files can be used.
    """
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    try:
        for name in levels:
            logging.getLogger(name).setLevel(logging.ERROR)
        yield {"local_files_only": os.path.isdir(name) or not _is_reachable()}
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def _is_reachable() -> bool:
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session  # type: ignore[attr-defined]

    try:
        get_session().head(constants.ENDPOINT, timeout=_TIMEOUT_SECONDS)
    except Exception:  # the errors depend on the client's HTTP library
        return False
    return True
