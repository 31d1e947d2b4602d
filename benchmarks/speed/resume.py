"""Measure the cost of interruptions: a run killed at one and at two thirds, then finished.

    python -m benchmarks.speed.resume CATALOG [--rows 10000] [--model MODEL.onnx]

For Parquet, CSV.gz and JSON Lines: tags the first rows of a CSV file of films without interruption;
then again, killed (SIGKILL) after a third of that time and, when started again, after another
third; then lets the same command finish. Prints the duration of the last run relative to that of an
uninterrupted one, and whether both outputs have the same bytes.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.films import read_films
from benchmarks.common.process import model_arguments, run_command


def main() -> None:
    """Run the benchmark and print a line per format."""
    parser = benchmark_parser(__doc__, catalog=True, model=True)
    parser.add_argument("--rows", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "in.csv")
        read_films(options.catalog).head(options.rows).write_csv(source)
        tag: list[str | Path] = ["-q", "tag", source, *model_arguments(options.model), "-o"]
        for suffix in ("parquet", "csv.gz", "jsonl"):
            expected, output = Path(folder, f"expected.{suffix}"), Path(folder, f"out.{suffix}")
            full = run_command([*tag, expected]).seconds
            for _ in range(2):
                run_command([*tag, output], kill_after=full / 3)
            last = run_command([*tag, output]).seconds
            same = expected.read_bytes() == output.read_bytes()
            hidden = sorted(name for name in os.listdir(folder) if name.startswith("."))
            print(
                f"{suffix}: full run {full:.1f} s, last of three {last:.1f} s "
                f"({last / full:.2f}); same bytes: {same}; files left: {hidden or 'none'}"
            )


if __name__ == "__main__":
    main()
