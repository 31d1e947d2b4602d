"""What a cached run costs beside reading and writing the same catalog.

    python benchmarks/cache.py CATALOG [--rows 100000] [--model MODEL.onnx]

Repeats a CSV of films up to so many rows, fills a cache, then measures in turn, several times and
without start-up: reading the catalog and writing it with a column of genres, and tagging it with
every probability in the cache. Prints each pair and the median ratio.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import polars as pl
import pyarrow as pa

from genre_batch import tag_catalog
from genre_batch.catalog.formats import input_location, output_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.writer import open_writer

ROUNDS = 5


def read_and_write(source: Path, output: Path) -> float:
    """Seconds to read a catalog and write it with two genres a row."""
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
    """Runs the benchmark and prints a line per round."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("catalog", type=Path, help="a CSV of films")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--model", help="as tag_catalog takes it")
    options = parser.parse_args()
    films = pl.read_csv(options.catalog, infer_schema=False)
    with tempfile.TemporaryDirectory() as folder:
        source, cache = Path(folder, "in.csv"), str(Path(folder, "cache"))
        copies = 1 + options.rows // len(films)
        pl.concat([films] * copies).head(options.rows).write_csv(source)
        tag_catalog(source, Path(folder, "first.csv"), cache=cache, model=options.model)
        for suffix in ("parquet", "csv", "jsonl"):
            output = Path(folder, f"out.{suffix}")
            ratios = []
            for _ in range(ROUNDS):
                plain = read_and_write(source, output)
                run = tag_catalog(source, output, cache=cache, force=True, model=options.model)
                ratios.append(run.seconds / plain)
                print(
                    f"{suffix}: read and write {plain:.2f} s, cached {run.seconds:.2f} s, "
                    f"{run.texts_predicted} texts predicted"
                )
            print(f"{suffix}: median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
