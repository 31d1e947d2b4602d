"""What an interruption costs: a run killed at one and at two thirds, then finished.

    python benchmarks/resume.py CATALOG [--rows 10000] [--model MODEL.onnx]

For Parquet, CSV.gz and JSON Lines: tags the first rows of a CSV of films without interruption, then
again, killed (SIGKILL) after a third of that time and, started anew, after another third, then lets
the same command finish. Prints the last run's share of a full run's time, and whether the two
outputs are the same bytes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

COMMAND = Path(sys.executable).with_name("genre-batch")


def tag(source: Path, output: Path, model: list[str], kill_after: float | None = None) -> float:
    """Runs the command, to its end or until it is killed; returns how many seconds it took."""
    started = time.perf_counter()
    process = subprocess.Popen([COMMAND, "-q", "tag", source, "-o", output, *model])
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    code = process.wait()
    if code != (0 if kill_after is None else -9):
        raise SystemExit(f"tag ended with exit code {code}")
    return time.perf_counter() - started


def main() -> None:
    """Runs the benchmark and prints a line per format."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalog", type=Path, help="a CSV of films")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--model", help="passed on to tag -m")
    options = parser.parse_args()
    model = ["-m", options.model] if options.model else []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in.csv")
        pl.read_csv(options.catalog, infer_schema=False).head(options.rows).write_csv(source)
        for suffix in ("parquet", "csv.gz", "jsonl"):
            whole, output = Path(folder, f"whole.{suffix}"), Path(folder, f"out.{suffix}")
            full = tag(source, whole, model)
            for _ in range(2):
                tag(source, output, model, kill_after=full / 3)
            last = tag(source, output, model)
            same = whole.read_bytes() == output.read_bytes()
            left = sorted(name for name in os.listdir(folder) if name.startswith("."))
            print(
                f"{suffix}: full run {full:.1f} s, last of three {last:.1f} s "
                f"({last / full:.2f}); same bytes: {same}; left behind: {left or 'nothing'}"
            )


if __name__ == "__main__":
    main()
