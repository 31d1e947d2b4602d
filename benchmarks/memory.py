"""Peak memory of `genre-batch tag` for a catalog and for one ten times as long.

    python benchmarks/memory.py CATALOG [--films 3000] [--copies 13] [--model MODEL.onnx]

Takes the first films of the catalog, writes them `copies` and ten times `copies` times into two
CSVs, tags both into Parquet and into CSV with the installed command, each in a process of its own,
and prints the peak resident memory of each and the ratio. `--distinct` numbers the overviews, so
that no two are alike and the store grows with the catalog.
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


def peak(arguments: list[str]) -> tuple[int, float]:
    """(peak resident bytes, seconds) of a run of the command."""
    started = time.perf_counter()
    process = subprocess.Popen([COMMAND, "-q", "tag", *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"tag failed with exit code {process.returncode}")
    return usage.ru_maxrss * 1024, time.perf_counter() - started


def write_catalog(films: pl.DataFrame, copies: int, path: Path, distinct: str | None) -> int:
    """Writes the films so many times; returns how many rows that are."""
    with path.open("wb") as file:
        for copy in range(copies):
            again = films
            if distinct is not None:
                again = films.with_columns(pl.col(distinct) + f" ({copy})")
            again.write_csv(file, include_header=copy == 0)
    return copies * len(films)


def main() -> None:
    """Runs the benchmark and prints a line per run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalog", type=Path, help="a CSV of films")
    parser.add_argument("--films", type=int, default=3000)
    parser.add_argument("--copies", type=int, default=13)
    parser.add_argument("--model", help="passed on to tag -m")
    parser.add_argument("--distinct", metavar="COLUMN", help="make every text of COLUMN another")
    options = parser.parse_args()
    films = pl.read_csv(options.catalog, infer_schema=False).head(options.films)
    model = ["-m", options.model] if options.model else []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("parquet", "csv"):
            peaks = []
            for copies in (options.copies, 10 * options.copies):
                source, output = Path(folder, "in.csv"), Path(folder, f"out.{suffix}")
                rows = write_catalog(films, copies, source, options.distinct)
                memory, seconds = peak([str(source), "-o", str(output), "--force", *model])
                peaks.append(memory)
                print(f"{suffix}: {rows:,} rows, peak {memory / 1e6:,.0f} MB, {seconds:,.1f} s")
            print(f"{suffix}: 10x the rows take {peaks[1] / peaks[0]:.2f}x the memory")


if __name__ == "__main__":
    main()
