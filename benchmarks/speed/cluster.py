"""Measure what spreading parts costs: one process, shares of the parts, and a Ray cluster.

    python -m benchmarks.speed.cluster CATALOG [--films 2000] [--parts 20] [--rounds 3]
        [--model MODEL.onnx] [-o docs/results]

Writes the first films of a CSV file as Parquet files of equal length, and tags them in turn with
one process of two threads, with two shares of one thread each, and on a Ray cluster of two nodes
with one core each, all on this machine. CPU time, not wall-clock time, is compared: on one machine
the three have the same cores. Checks that all write the same bytes. Writes cluster.json and, made
from it, cluster.md, which marks what is estimated as such.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.common.arguments import benchmark_parser
from benchmarks.common.films import read_films
from benchmarks.common.machine import machine_facts, machine_sentence
from benchmarks.common.process import COMMAND, model_arguments
from benchmarks.common.results import write_results

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from support.processes import workers_below
from support.ray_cluster import RayCluster, ray_cluster

_TICKS = os.sysconf("SC_CLK_TCK")
_MANY, _CORES = 10**9, 1_000
_FILMS_OF_A_PART = 150_000
"""In 64 MB of CSV, the default of `--split-size` on a cluster."""
PACKAGES = ("genre-batch", "ray", "onnxruntime", "tokenizers", "polars", "pyarrow")


@dataclass
class Measured:
    """One run.

    Attributes:
        cpu: the CPU seconds of everything that it started.
        services: those of them that are Ray's own processes.
        seconds: its duration.
        first_part: until the first mark was there; None if it was not looked for.
        worker_bytes: the peak memory of a worker.
    """

    cpu: float
    services: float
    seconds: float
    first_part: float | None = None
    worker_bytes: int = 0


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_processes(lines: list[list[str | Path]]) -> Measured:
    """Run commands at the same time and wait for all of them."""
    before, started = _cpu_of_children(), time.perf_counter()
    processes = [subprocess.Popen([COMMAND, "-q", "tag", *line]) for line in lines]
    if any(process.wait() for process in processes):
        raise SystemExit("a run failed")
    return Measured(_cpu_of_children() - before, 0.0, time.perf_counter() - started)


def _tree(root: int) -> dict[int, tuple[str, float]]:
    """Return the names and the CPU seconds of a process and all below it."""
    parents: dict[int, int] = {}
    found: dict[int, tuple[str, float]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                line = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            ticks = sum(map(int, fields[11:13]))
            parents[int(folder.name)] = int(fields[1])
            found[int(folder.name)] = line, ticks / _TICKS
    tree = {root}
    while grown := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= grown
    return {pid: found[pid] for pid in tree if pid in found}


def run_on_ray(cluster: RayCluster, line: list[str | Path], side: Path) -> Measured:
    """Run a command on a cluster.

    Args:
        cluster: with a core on each node.
        line: the arguments of `tag`.
        side: the folder next to the output.
    """
    environment = os.environ | dict(cluster.environment)
    before_tree = _tree(cluster.manager.pid)
    before, started = _cpu_of_children(), time.perf_counter()
    options = ["--engine", "ray", "--address", cluster.address]
    process = subprocess.Popen([COMMAND, "-q", "tag", *line, *options], env=environment)
    first, peak = None, 0
    cpu: dict[int, float] = {}
    workers: set[int] = set()
    while process.poll() is None:
        if first is None and any((side / "parts").glob("*.json")):
            first = time.perf_counter() - started
        tree = _tree(cluster.manager.pid)
        cpu |= {pid: seconds for pid, (_, seconds) in tree.items()}
        workers |= set(workers_below(cluster.raylets))
        peak = max([peak, *map(_peak, workers)])
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit("the run on Ray failed")
    seconds = time.perf_counter() - started
    driver = _cpu_of_children() - before
    spent = {pid: used - before_tree.get(pid, ("", 0.0))[1] for pid, used in cpu.items()}
    services = driver + sum(used for pid, used in spent.items() if pid not in workers)
    return Measured(driver + sum(spent.values()), services, seconds, first, peak)


def _peak(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def _write_parts(catalog: Path, films: int, parts: int, folder: Path) -> int:
    table = read_films(catalog).head(films)
    size = -(-len(table) // parts)
    for part in range(parts):
        table.slice(part * size, size).write_parquet(folder / f"films-{part:03}.parquet")
    return len(table)


def _middle(values: list[float]) -> str:
    return f"{statistics.median(values):.1f} ({min(values):.1f}-{max(values):.1f})"


def main() -> None:
    """Run the benchmark and write its table."""
    parser = benchmark_parser(__doc__, catalog=True, model=True, results=True)
    parser.add_argument("--films", type=int, default=2_000)
    parser.add_argument("--parts", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    runs: dict[str, list[Measured]] = {"process": [], "shards": [], "ray": []}
    with tempfile.TemporaryDirectory() as folder, ray_cluster(2) as cluster:
        source = Path(folder, "in")
        source.mkdir()
        films = _write_parts(options.catalog, options.films, options.parts, source)
        expected: dict[str, bytes] = {}
        for _ in range(options.rounds):
            for kind, measured in runs.items():
                output = Path(folder, kind)
                line: list[str | Path] = [
                    source,
                    "-o",
                    f"{output}/",
                    *model_arguments(options.model),
                ]
                if kind == "process":
                    measured.append(run_processes([[*line, "--threads", "2"]]))
                elif kind == "shards":
                    shares: list[list[str | Path]] = [
                        [*line, "--threads", "1", "--shard", f"{k}/2"] for k in range(2)
                    ]
                    measured.append(run_processes(shares))
                else:
                    measured.append(run_on_ray(cluster, line, Path(f"{output}.genre-batch")))
                print(kind, measured[-1], file=sys.stderr, flush=True)
                files = {path.name: path.read_bytes() for path in output.iterdir()}
                expected = expected or files
                if files != expected:
                    raise SystemExit(f"{kind} wrote other bytes")
                for written in (output, Path(f"{output}.genre-batch")):
                    shutil.rmtree(written)
    figures = {kind: [asdict(each) for each in measured] for kind, measured in runs.items()}
    result = {
        "machine": machine_facts(PACKAGES),
        "films": films,
        "parts": options.parts,
        "runs": figures,
    }
    stored = Path(options.output, "cluster.json")
    if stored.is_file() and "trivial" in (earlier := json.loads(stored.read_text())):
        result["trivial"] = earlier["trivial"]  # of benchmarks.speed.many_cores
    write_results(options.output, "cluster", result, page)


_NAMES = {
    "process": "one process, 2 threads",
    "shards": "2 shares, 1 thread each",
    "ray": "Ray, 2 nodes of 1 core",
}


def page(result: dict[str, Any]) -> str:
    """Return the page of the figures."""
    films, parts = result["films"], result["parts"]
    runs = {
        kind: [Measured(**each) for each in measured] for kind, measured in result["runs"].items()
    }
    base = statistics.median(each.cpu for each in runs["process"])
    rows = []
    for kind, measured in runs.items():
        cpu = [each.cpu for each in measured]
        services = _middle([each.services for each in measured]) if kind == "ray" else ""
        ratio = statistics.median(cpu) / base
        seconds = _middle([each.seconds for each in measured])
        rows.append(f"| {_NAMES[kind]} | {_middle(cpu)} | {services} | {ratio:.2f} | {seconds} |")
    on_ray = runs["ray"]
    machine = machine_sentence(result["machine"])
    first = _middle([each.first_part or 0.0 for each in on_ray])
    peak = max(each.worker_bytes for each in on_ray) / 1e6
    return "\n".join(
        [
            "# Parts on several machines",
            "",
            f"{films:,} films in {parts} Parquet files. {machine}",
            "",
            f"Median of {len(on_ray)} rounds, with the lowest and highest in brackets; all runs "
            f"wrote the same bytes. Both nodes are on this machine, without a network: what is "
            f"compared is CPU time, of all processes that a run starts. Other work on the machine "
            f"makes the durations longer, and CPU time a little.",
            "",
            "| what | CPU seconds | of which driver and Ray | times as much | seconds |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"- The first part was done {first} s after the start, on a running cluster.",
            f"- A worker took at most {peak:,.0f} MB.",
            "",
            "All figures above are of these runs.",
            "",
            *_trivial(result.get("trivial")),
            *_estimates(films / base, peak),
        ]
    )


def _trivial(result: dict[str, Any] | None) -> list[str]:
    from benchmarks.speed.many_cores import section

    return [] if result is None else section(result)


def _estimates(rate: float, peak: float) -> list[str]:
    """Return the section of what nobody has run.

    Args:
        rate: films that one process tags in a CPU second.
        peak: the megabytes of a worker.
    """
    core_seconds = _MANY / rate
    parts = -(-_MANY // _FILMS_OF_A_PART)
    of_a_part = _FILMS_OF_A_PART / rate
    return [
        f"## {_MANY:,} films on {_CORES:,} cores: an estimate",
        "",
        "Nobody has run this. The figures follow from the CPU time of one process, its start "
        "included, and the memory of a worker above, and hold for such a processor.",
        "",
        "| what | estimate | from |",
        "|---|---|---|",
        f"| work | {core_seconds / 3600:,.0f} core-hours | {rate:,.0f} films a CPU second |",
        f"| time | {core_seconds / _CORES / 60:,.0f} minutes | the work over {_CORES:,} cores, all "
        f"of them busy |",
        f"| parts | {parts:,} of {_FILMS_OF_A_PART:,} films | CSV cut by `--split-size 64MB` |",
        f"| a part | {of_a_part / 60:,.1f} minutes | one core |",
        f"| the end, when cores run out of parts | {of_a_part / 120:,.1f} minutes | half a part; a "
        f"smaller `--split-size` shortens it |",
        f"| memory of a machine with 96 cores | {96 * peak / 1000:,.0f} GB | 96 workers of one "
        f"thread; `--threads 8` needs 12 |",
        "",
    ]


if __name__ == "__main__":
    main()
