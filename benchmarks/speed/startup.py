"""Measure start-up, peak memory and rows/s of `genre-batch tag` for short and long catalogs.

    python -m benchmarks.speed.startup CATALOG [--model MODEL.onnx]
        [--rows 10 1000 10000 100000] [--rounds 3] [-o docs/results]

Runs `genre-batch --help` and `genre-batch tag` on catalogs of the given lengths, CSV to Parquet,
each in a process of its own, in turn. The rows repeat the films of a CSV file, with numbered
overviews, so that no two texts are alike; each output has a folder of its own, so that no run
resumes another. The quick runs are repeated ten times a round. Files are in the page cache, as
after any first use. Writes startup.json and, made from it, startup.md. With the default rows it
takes a quarter of an hour on two cores.

A process starts with its parent's peak memory as its own. This script stays small, and a run that
does not exceed it, such as `--help`, has no peak in the table.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.films import distinct_films, read_films, text_column, write_repeated
from benchmarks.common.machine import machine_facts, machine_sentence
from benchmarks.common.process import model_arguments, run_command
from benchmarks.common.results import measure_and_write, table_row
from benchmarks.common.rounds import confidence_sentence, rotated, spread

PACKAGES = ("genre-batch", "onnxruntime", "tokenizers", "polars", "pyarrow")
QUICK_ROWS, QUICK_TIMES = 100, 10
"""Catalogs of up to `QUICK_ROWS` rows, and `--help`, are run `QUICK_TIMES` times a round."""


@dataclass
class Run:
    """A command line, and the cost of its runs.

    Attributes:
        name: its row in the table.
        arguments: of `genre-batch`, without the output.
        rows: of its catalog; 0 where there is none.
        seconds: of each run, from the start of the process to its end.
        inner_rates: rows/s by the command's own summary, which excludes start-up.
        peaks: peak resident bytes, where they exceed this process's own.
    """

    name: str
    arguments: list[str]
    rows: int
    seconds: list[float] = field(default_factory=list)
    inner_rates: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)

    def measure(self) -> None:
        """Run the command once more."""
        with tempfile.TemporaryDirectory() as folder:
            summary_file = Path(folder, "summary.json")
            output = ["-o", f"{folder}/tagged.parquet", "--summary-json", str(summary_file)]
            cost = run_command([*self.arguments, *(output if self.rows else [])])
            self.seconds.append(cost.seconds)
            if cost.peak_bytes is not None:
                self.peaks.append(cost.peak_bytes)
            if self.rows:
                summary = json.loads(summary_file.read_text(encoding="utf-8"))
                predicted = summary["texts_predicted"]
                if predicted != self.rows:
                    raise SystemExit(f"{predicted} of {self.rows} rows predicted")
                self.inner_rates.append(summary["rows_per_second"])

    def as_dict(self) -> dict[str, Any]:
        """Return its row in the JSON file."""
        return {
            "name": self.name,
            "rows": self.rows,
            "seconds": [round(seconds, 3) for seconds in self.seconds],
            "rows_per_second": [round(self.rows / seconds, 2) for seconds in self.seconds],
            "rows_per_second_without_startup": [round(rate, 2) for rate in self.inner_rates],
            "peak_bytes": self.peaks,
        }


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return what goes into the JSON file."""
    films = read_films(options.catalog)
    text = text_column(films)
    films = distinct_films(films, text)
    model = model_arguments(options.model)
    runs = [Run("genre-batch --help", ["--help"], 0)]
    for rows in options.rows:
        source = folder / f"{rows}.csv"
        write_repeated(films, rows, source, numbered=text)
        arguments = ["-q", "tag", str(source), *model]
        runs.append(Run(f"genre-batch tag, {rows:,} rows", arguments, rows))
    for number in range(options.rounds):
        for run in rotated(runs, number):
            for _ in range(QUICK_TIMES if run.rows <= QUICK_ROWS else 1):
                run.measure()
            print(f"round {number + 1}: {run.name}: {run.seconds[-1]:.2f} s", flush=True)
    return {
        "machine": machine_facts(PACKAGES),
        "rounds": options.rounds,
        "runs": [run.as_dict() for run in runs],
    }


def _line(run: dict[str, Any]) -> str:
    cells = [run["name"], str(len(run["seconds"])), spread(run["seconds"], ",.2f")]
    cells += [
        spread(run[key], ",.0f") if run["rows"] else ""
        for key in ("rows_per_second", "rows_per_second_without_startup")
    ]
    peaks = [peak / 1e6 for peak in run["peak_bytes"]]
    cells.append(spread(peaks, ",.0f") if peaks else "")
    return table_row(cells)


def markdown(result: dict[str, Any]) -> str:
    """Return the page, made from the JSON file alone."""
    lines = [
        "# Start-up and memory, by length of the catalog",
        "",
        f"CSV to Parquet, one process per run. {machine_sentence(result['machine'])}",
        "",
        f"{confidence_sentence(result['rounds'])} (quick runs: {QUICK_TIMES} times a round). No "
        "two texts are alike. Peak: resident memory.",
        "",
        "| what | runs | seconds | rows/s | rows/s without start-up | peak, MB |",
        "|---|---|---|---|---|---|",
        *(_line(run) for run in result["runs"]),
        "",
    ]
    tagged = [run for run in result["runs"] if run["rows"] > QUICK_ROWS]
    for run, longer in itertools.pairwise(tagged):
        seconds, peak = (
            statistics.median(longer[key]) / statistics.median(run[key])
            for key in ("seconds", "peak_bytes")
        )
        lines.append(
            f"- {longer['rows']:,} rows take {seconds:.1f} times as long as {run['rows']:,}, and "
            f"{peak:.2f} times the memory."
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure and write the results."""
    parser = benchmark_parser(__doc__, catalog=True, model=True, results=True)
    parser.add_argument("--rows", type=int, nargs="+", default=[10, 1000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    measure_and_write(parser.parse_args(), "startup", measure, markdown)


if __name__ == "__main__":
    main()
