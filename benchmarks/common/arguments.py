"""Command-line arguments that several benchmarks share."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["RESULTS", "benchmark_parser"]

RESULTS = Path("docs/results")


def benchmark_parser(
    doc: str, *, catalog: bool = False, model: bool = False, results: bool = False
) -> argparse.ArgumentParser:
    """Return a parser whose help text is the script's docstring.

    Args:
        doc: the docstring.
        catalog: whether the first argument is a CSV file of films.
        model: whether `--model` names an exported model, by default the shipped one.
        results: whether `-o` names the folder that the results are written to.
    """
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if catalog:
        parser.add_argument("catalog", type=Path, help="a CSV file of films")
    if model:
        parser.add_argument("--model", metavar="MODEL.onnx", help="default: the shipped one")
    if results:
        parser.add_argument("-o", "--output", type=Path, default=RESULTS, help="folder of results")
    return parser
