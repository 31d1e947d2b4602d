"""Promise: a process that is killed at any moment and started again writes the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genre_batch.model.tagger import MODEL_VARIABLE
from support.places import COMMAND

pytestmark = pytest.mark.process

SEEDS = range(20)
SUFFIXES = ("parquet", "csv.gz", "jsonl", "arrow")
ROWS = 6000


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "films.csv"
    rows = [f'{row},"laugh, film {row}"\n' for row in range(ROWS)]
    rows[100] = "broken,row,here\n"
    path.write_text("id,overview\n" + "".join(rows))
    return path


def _tag(model: Path, catalog: Path, output: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [COMMAND, "-q", "tag", catalog, "-o", output, "--threads", "1"],
        env=os.environ | {MODEL_VARIABLE: str(model)},
    )


@pytest.fixture(scope="module")
def uninterrupted(
    tiny_model: Path, catalog: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The outputs of uninterrupted runs, in each format."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    for suffix in SUFFIXES:
        assert _tag(tiny_model, catalog, folder / f"o.{suffix}").wait(120) == 0
    return folder


def _killed_and_resumed(
    seed: int, model: Path, catalog: Path, folder: Path, seconds: float
) -> tuple[str, bool]:
    """Kill a run, then rerun it; return the format, and whether it was killed before its end."""
    suffix = SUFFIXES[seed % len(SUFFIXES)]
    output = folder / str(seed) / f"o.{suffix}"
    output.parent.mkdir()
    process = _tag(model, catalog, output)
    time.sleep(random.Random(seed).uniform(0.2, seconds))
    process.send_signal(signal.SIGKILL)
    killed = process.wait(60) == -signal.SIGKILL
    workspace = output.parent / f".{output.name}.genre-batch"
    if killed and (workspace.exists() or not output.exists()):
        assert _tag(model, catalog, output).wait(120) == 0
    return suffix, killed


@pytest.mark.slow
def test_whenever_it_is_killed_the_same_command_finishes_the_same_bytes(
    tiny_model: Path, catalog: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    started = time.monotonic()
    assert _tag(tiny_model, catalog, tmp_path / "timed.jsonl").wait(120) == 0
    seconds = 2 * (time.monotonic() - started)  # two run at a time
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(
                lambda seed: _killed_and_resumed(seed, tiny_model, catalog, tmp_path, seconds),
                SEEDS,
            )
        )
    assert any(killed for _, killed in done)
    for seed, (suffix, _) in zip(SEEDS, done, strict=True):
        folder = tmp_path / str(seed)
        assert sorted(path.name for path in folder.iterdir()) == [
            f"o.{suffix}",
            f"o.{suffix}.rejects.jsonl",
        ]
        assert (folder / f"o.{suffix}").read_bytes() == (uninterrupted / f"o.{suffix}").read_bytes()
