"""Results of a benchmark: a JSON file, and a page of Markdown made from that file alone."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from genre_batch.errors import GenreBatchError

__all__ = [
    "gain_cell",
    "measure_and_write",
    "score_cell",
    "table_row",
    "with_other_machines",
    "write_results",
]


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
    """Measure with an empty temporary folder, then write the results into `options.output`.

    Raises:
        SystemExit: with one line; a catalog or a model cannot be used.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            result = measure(options, Path(folder))
        except GenreBatchError as error:
            raise SystemExit(f"{name}: {error}") from error
    write_results(options.output, name, result, markdown)


def with_other_machines(path: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Return `{"machines": [...]}`: this result, and those that a file has of other machines.

    Args:
        path: the JSON file of earlier results, which need not exist.
        result: with `machine`, as `machine_facts` returns it. It replaces an earlier result of the
            same processor, flags and cores.
    """

    def kind(entry: dict[str, Any]) -> tuple[Any, ...]:
        facts = entry["machine"]
        return facts["processor"], facts["architecture"], facts["cores"], tuple(facts["flags"])

    earlier = json.loads(path.read_text(encoding="utf-8"))["machines"] if path.exists() else []
    others = [entry for entry in earlier if kind(entry) != kind(result)]
    return {"machines": sorted([*others, result], key=kind)}


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
