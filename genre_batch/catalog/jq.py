"""Commands of jq, the JSON processor, for messages."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

__all__ = ["jq_path"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def jq_path(keys: Sequence[str]) -> str:
    """Return the jq expression for what is under some keys, one below the other; `.` for none."""
    path = "".join(
        f".{key}" if _IDENTIFIER.fullmatch(key) else f"[{json.dumps(key)}]" for key in keys
    )
    return path if path.startswith(".") else f".{path}"
