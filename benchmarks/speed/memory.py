"""Measure the peak memory of `genre-batch tag` for a catalog and for one ten times as long.

    python -m benchmarks.speed.memory CATALOG [--films 3000] [--copies 13] [--model MODEL.onnx]
        [--distinct COLUMN]

Repeats the first films of the catalog `copies` and ten times `copies` times in two CSV files, and
tags both into Parquet and into CSV with the installed command, each in a process of its own. Prints
the peak resident memory of each run, and their ratio. With `--distinct` no two texts are alike, so
that the store of predictions grows with the catalog.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.films import read_films, write_repeated
from benchmarks.common.process import model_arguments, run_command


def main() -> None:
    """Run the benchmark and print a line per run."""
    parser = benchmark_parser(__doc__, catalog=True, model=True)
    parser.add_argument("--films", type=int, default=3000)
    parser.add_argument("--copies", type=int, default=13)
    parser.add_argument("--distinct", metavar="COLUMN", help="number the texts of COLUMN")
    options = parser.parse_args()
    films = read_films(options.catalog).head(options.films)
    model = model_arguments(options.model)
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("parquet", "csv"):
            peaks = []
            for copies in (options.copies, 10 * options.copies):
                source, output = Path(folder, "in.csv"), Path(folder, f"out.{suffix}")
                rows = copies * len(films)
                write_repeated(films, rows, source, numbered=options.distinct)
                cost = run_command(["-q", "tag", source, "-o", output, "--force", *model])
                if cost.peak_bytes is None:
                    raise SystemExit("the peak is below this script's own: take more films")
                peaks.append(cost.peak_bytes)
                print(
                    f"{suffix}: {rows:,} rows, peak {peaks[-1] / 1e6:,.0f} MB, "
                    f"{cost.seconds:,.1f} s"
                )
            print(f"{suffix}: 10x the rows take {peaks[1] / peaks[0]:.2f}x the memory")


if __name__ == "__main__":
    main()
