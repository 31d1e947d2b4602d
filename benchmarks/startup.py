"""Start-up, peak memory and films/s of `genre-batch tag` for a few rows and for a great many.

    python benchmarks/startup.py CATALOG [--model MODEL.onnx] [--rows 10 1000 10000 100000]
        [--rounds 3] [-o docs/results]

Runs `genre-batch --help` and `genre-batch tag` on catalogs of so many rows, CSV to Parquet, each in
a process of its own, in turn. The rows are a CSV's films over and over, their overviews numbered,
so that no text is like another; each output lies in a folder of its own, where there is nothing to
go on from. Start-up runs take a moment and are made ten times as often. Files are in the page
cache, as after any first use. Writes startup.json and, made from it, startup.md. With the default
rows it takes a quarter of an hour on two cores.

A process starts with its parent's peak memory as its own: this one stays small, and what does not
exceed it, as `--help`, has no peak in the table.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
from machine import confidence, described, machine, spread
from results import write_results

from genre_batch.catalog.columns import TEXT_COLUMNS, require_column

COMMAND = Path(sys.executable).with_name("genre-batch")
PACKAGES = ("genre-batch", "onnxruntime", "tokenizers", "polars", "pyarrow")
QUICK_ROWS, QUICK_TIMES = 100, 10
"""Catalogs of up to so many rows are tagged so many times a round, as `--help` is asked."""


@dataclass
class Run:
    """A command line, and what its runs took.

    Attributes:
        name: its row in the table.
        arguments: of `genre-batch`, without the output.
        rows: of its catalog; 0 where there is none.
        seconds: of each run, from starting the process to its end.
        inner_rates: rows/s by the command's own summary, which leaves start-up out.
        peaks: resident bytes, where they exceed this process's own.
    """

    name: str
    arguments: list[str]
    rows: int
    seconds: list[float] = field(default_factory=list)
    inner_rates: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)

    def once(self) -> None:
        """Runs it once more."""
        with tempfile.TemporaryDirectory() as folder:
            summary = Path(folder, "summary.json")
            output = ["-o", f"{folder}/tagged.parquet", "--summary-json", str(summary)]
            started = time.perf_counter()
            process = subprocess.Popen(
                [COMMAND, *self.arguments, *(output if self.rows else [])],
                stdout=subprocess.DEVNULL,
            )
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds.append(time.perf_counter() - started)
            if usage.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
                self.peaks.append(usage.ru_maxrss * 1024)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                raise SystemExit(f"{self.name} failed with exit code {process.returncode}")
            if self.rows:
                found = json.loads(summary.read_text(encoding="utf-8"))
                if found["texts_predicted"] != self.rows:
                    raise SystemExit(f"{found['texts_predicted']} of {self.rows} rows predicted")
                self.inner_rates.append(found["rows_per_second"])

    def as_dict(self) -> dict[str, Any]:
        """Its row in the JSON."""
        return {
            "name": self.name,
            "rows": self.rows,
            "seconds": [round(one, 3) for one in self.seconds],
            "rows_per_second": [round(self.rows / one, 2) for one in self.seconds],
            "rows_per_second_without_startup": [round(one, 2) for one in self.inner_rates],
            "peak_bytes": self.peaks,
        }


def write_numbered(films: pl.DataFrame, text: str, rows: int, path: Path) -> None:
    """Writes so many rows: the films over and over, a number behind each overview."""
    with path.open("wb") as file:
        for start in range(0, rows, len(films)):
            again = films.with_columns(pl.col(text) + f" ({start // len(films)})")
            again.head(rows - start).write_csv(file, include_header=start == 0)


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """What goes into the JSON."""
    films = pl.read_csv(options.catalog, infer_schema=False)
    text = require_column(films.columns, TEXT_COLUMNS, None, "--text-column")
    films = films.filter(pl.col(text).str.strip_chars().str.len_chars() > 0).unique(
        text, keep="first", maintain_order=True
    )
    model = ["-m", options.model] if options.model else []
    runs = [Run("genre-batch --help", ["--help"], 0)]
    for rows in options.rows:
        source = folder / f"{rows}.csv"
        write_numbered(films, text, rows, source)
        arguments = ["-q", "tag", str(source), *model]
        runs.append(Run(f"genre-batch tag, {rows:,} rows", arguments, rows))
    for number in range(options.rounds):
        for run in runs[number % len(runs) :] + runs[: number % len(runs)]:
            for _ in range(QUICK_TIMES if run.rows <= QUICK_ROWS else 1):
                run.once()
            print(f"round {number + 1}: {run.name}: {run.seconds[-1]:.2f} s", flush=True)
    return {
        "machine": machine(PACKAGES),
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
    return f"| {' | '.join(cells)} |"


def markdown(result: dict[str, Any]) -> str:
    """The table, made from the JSON alone."""
    lines = [
        "# Start-up, memory and length of the catalog",
        "",
        f"CSV to Parquet, a process a run. {described(result['machine'])}",
        "",
        f"{confidence(result['rounds'])} (the quick ones are run {QUICK_TIMES} times a round). No "
        "two texts are alike. Peak: resident memory.",
        "",
        "| what | runs | seconds | rows/s | rows/s without start-up | peak, MB |",
        "|---|---|---|---|---|---|",
        *(_line(run) for run in result["runs"]),
        "",
    ]
    tagged = [run for run in result["runs"] if run["rows"] > QUICK_ROWS]
    for one, more in itertools.pairwise(tagged):
        seconds, peak = (
            statistics.median(more[key]) / statistics.median(one[key])
            for key in ("seconds", "peak_bytes")
        )
        lines.append(
            f"- {more['rows']:,} rows take {seconds:.1f} times as long as {one['rows']:,}, and "
            f"{peak:.2f} times the memory."
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Measures, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalog", type=Path, help="a CSV of films")
    parser.add_argument("--model", help="passed on to tag -m")
    parser.add_argument("--rows", type=int, nargs="+", default=[10, 1000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/results"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    write_results(options.output, "startup", result, markdown)


if __name__ == "__main__":
    main()
