"""Where the benchmarks' figures go: a JSON, and a page of Markdown made from it alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["write_results"]


def write_results(
    folder: Path, name: str, result: dict[str, Any], markdown: Callable[[dict[str, Any]], str]
) -> None:
    """Writes NAME.json and, made from what it says, NAME.md, which is printed too."""
    text = json.dumps(result, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    table = markdown(json.loads(text))
    (folder / f"{name}.md").write_text(table, encoding="utf-8")
    print(table)
