"""Results of a benchmark: a JSON file, and a page of Markdown made from that file alone."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["gain_cell", "measure_and_write", "score_cell", "table_row", "write_results"]


def write_results(
    folder: Path, name: str, result: dict[str, Any], markdown: Callable[[dict[str, Any]], str]
) -> None:
    """Write NAME.json and NAME.md, and print the page.

    Args:
        folder: where to write; made if missing.
        name: of both files, without the suffix.
        result: the figures.
        markdown: makes the page from the figures as the JSON file holds them.
    """
    text = json.dumps(result, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    page = markdown(json.loads(text))
    (folder / f"{name}.md").write_text(page, encoding="utf-8")
    print(page)


def measure_and_write(
    options: argparse.Namespace,
    name: str,
    measure: Callable[[argparse.Namespace, Path], dict[str, Any]],
    markdown: Callable[[dict[str, Any]], str],
) -> None:
    """Measure with an empty temporary folder, then write the results into `options.output`."""
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    write_results(options.output, name, result, markdown)


def table_row(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def score_cell(scores: dict[str, Any], name: str) -> str:
    """Return a score and its interval, `0.651 (0.640-0.662)`."""
    low, high = scores[f"{name}_interval"]
    return f"{scores[name]:.3f} ({low:.3f}-{high:.3f})"


def gain_cell(row: dict[str, Any]) -> str:
    """Return points gained and their interval, `+1.2 (+0.3 to +2.1)`."""
    low, high = row["gain_interval"]
    return f"{row['gain_points']:+.1f} ({low:+.1f} to {high:+.1f})"
