"""Measure a fully cached run against reading and writing the same catalog.

    python -m benchmarks.speed.cache CATALOG [--rows 100000] [--model MODEL.onnx]

Repeats a CSV file of films up to the given number of rows and fills a cache. Then measures in turn,
five times and without start-up: reading the catalog and writing it with a column of genres, and
tagging it with every probability in the cache. Prints each pair and the median ratio.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import pyarrow as pa

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.films import read_films, write_repeated
from genre_batch import tag_catalog
from genre_batch.catalog.formats import input_location, output_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.writer import open_writer

ROUNDS = 5


def read_and_write(source: Path, output: Path) -> float:
    """Return the seconds that it takes to read a catalog and write it with two genres a row."""
    started = time.perf_counter()
    options = ReadOptions(as_table=output.suffix != ".jsonl")
    with (
        CatalogReader([input_location(str(source))], options) as reader,
        open_writer(output_location(str(output)), EncoderOptions(), force=True) as writer,
    ):
        for chunk in reader.chunks():
            genres = pa.array([["Drama", "Comedy"]] * len(chunk), pa.list_(pa.string()))
            writer.write(chunk, pa.table({"predicted_genres": genres}))
    return time.perf_counter() - started


def main() -> None:
    """Run the benchmark and print a line per round."""
    parser = benchmark_parser(__doc__, catalog=True, model=True)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, cache = Path(folder, "in.csv"), str(Path(folder, "cache"))
        write_repeated(read_films(options.catalog), options.rows, source)
        tag_catalog(source, Path(folder, "first.csv"), cache=cache, model=options.model)
        for suffix in ("parquet", "csv", "jsonl"):
            output = Path(folder, f"out.{suffix}")
            ratios = []
            for _ in range(ROUNDS):
                seconds = read_and_write(source, output)
                summary = tag_catalog(source, output, cache=cache, force=True, model=options.model)
                ratios.append(summary.seconds / seconds)
                print(
                    f"{suffix}: read and write {seconds:.2f} s, cached {summary.seconds:.2f} s, "
                    f"{summary.texts_predicted} texts predicted"
                )
            print(f"{suffix}: median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
