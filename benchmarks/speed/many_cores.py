"""Measure threads of one process against several processes, with a model that costs nothing.

    python -m benchmarks.speed.many_cores [--rows 400000] [--rounds 3] [-o docs/results]

What a model computes runs in parallel in the threads of one process. The rest of a row, its text,
its genres and its output, partly holds Python's lock, so with a trivial model (of the tests: one
table, the mean over tokens) this rest alone decides. Adds the figures to cluster.json, which
`speed.cluster` writes, and makes cluster.md from it again.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.machine import machine_facts, machine_sentence
from benchmarks.common.results import write_results
from benchmarks.speed import cluster as parts
from benchmarks.speed.cluster import PACKAGES, Measured, run_on_ray, run_processes

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from support import tiny
from support.ray_cluster import ray_cluster

_PARTS = 16
_NAMES = {
    "thread": "one process, 1 thread",
    "threads": "one process, 2 threads",
    "shards": "2 shares, 1 thread each",
    "ray": "Ray, 2 nodes of 1 core",
}
_MANY = 16


def _write_inputs(folder: Path, rows: int) -> int:
    """Write texts that are all different, so that each is predicted."""
    size = -(-rows // _PARTS)
    words = [*tiny.WORDS, "the"]
    for part in range(_PARTS):
        texts = [
            f"a {words[row % len(words)]} and {words[row % 3]} of {part} {row}"
            for row in range(size)
        ]
        pl.DataFrame({"id": range(size), "overview": texts}).write_parquet(
            folder / f"rows-{part:03}.parquet"
        )
    return size * _PARTS


def measure(rows: int, rounds: int) -> dict[str, Any]:
    """Run each way in turn; check that all write the same bytes."""
    runs: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _NAMES}
    with tempfile.TemporaryDirectory() as name, ray_cluster(2) as cluster:
        folder = Path(name)
        source = folder / "in"
        source.mkdir()
        written = _write_inputs(source, rows)
        model = tiny.write_model(folder / "tiny.onnx")
        expected: dict[str, bytes] = {}
        for _ in range(rounds):
            for kind, measured in runs.items():
                output = folder / kind
                line: list[str | Path] = [source, "-o", f"{output}/", "-m", model]
                if kind == "ray":
                    one = run_on_ray(cluster, line, Path(f"{output}.genre-batch"))
                elif kind == "shards":
                    one = run_processes(
                        [[*line, "--threads", "1", "--shard", f"{k}/2"] for k in range(2)]
                    )
                else:
                    threads = "1" if kind == "thread" else "2"
                    one = run_processes([[*line, "--threads", threads]])
                print(kind, one, file=sys.stderr, flush=True)
                measured.append(asdict(one))
                files = {path.name: path.read_bytes() for path in output.iterdir()}
                expected = expected or files
                if files != expected:
                    raise SystemExit(f"{kind} wrote other bytes")
                for folder_written in (output, Path(f"{output}.genre-batch")):
                    shutil.rmtree(folder_written)
    return {"machine": machine_facts(PACKAGES), "rows": written, "runs": runs}


def section(result: dict[str, Any]) -> list[str]:
    """Return the lines of the page about a trivial model."""
    rows = result["rows"]
    table, rates = [], {}
    for kind, measured in result["runs"].items():
        runs = [Measured(**each) for each in measured]
        rate = [rows / each.seconds for each in runs]
        rates[kind] = statistics.median(rate)
        cores = statistics.median(each.cpu / each.seconds for each in runs)
        cpu = statistics.median(each.cpu for each in runs)
        table.append(
            f"| {_NAMES[kind]} | {rates[kind]:,.0f} ({min(rate):,.0f}-{max(rate):,.0f}) | "
            f"{rates[kind] / rates['thread']:.2f} | {cores:.1f} | {1e6 * cpu / rows:,.0f} |"
        )
    processes = _MANY * rates["shards"] / 2
    return [
        "## A trivial model",
        "",
        f"{rows:,} rows in {_PARTS} Parquet files, each with a text of its own, and a model that "
        f"costs nothing: what remains is reading, tokens, genres and writing. "
        f"{machine_sentence(result['machine'])}",
        "",
        f"Median of {len(result['runs']['ray'])} rounds, with the lowest and highest in brackets, "
        f"starts included.",
        "",
        "| what | rows per second | times as fast as 1 thread | cores in use | CPU µs a row |",
        "|---|---|---|---|---|",
        *table,
        "",
        f"More than 2 cores were not there to measure. If shares stay as independent as these, "
        f"{_MANY} of them would tag {processes:,.0f} rows a second (an estimate); one process of "
        f"{_MANY} threads holds Python's lock for part of every row, and gains less with each "
        f"thread.",
        "",
    ]


def main() -> None:
    """Run the benchmark and rewrite the page."""
    parser = benchmark_parser(__doc__, results=True)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    stored = Path(options.output, "cluster.json")
    if not stored.is_file():
        raise SystemExit(f"{stored} is missing: run benchmarks.speed.cluster first")
    result = json.loads(stored.read_text())
    result["trivial"] = measure(options.rows, options.rounds)
    write_results(options.output, "cluster", result, parts.page)


if __name__ == "__main__":
    main()
