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

pytestmark = [pytest.mark.alone, pytest.mark.process]

SEEDS = range(20)
OUTPUTS = ("tag.parquet", "tag.csv.gz", "audit.jsonl", "tag.jsonl", "tag.arrow", "audit.parquet")
ROWS = 6000
_LONGEST = 600
"""Seconds that a run may take on a busy machine."""


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "films.csv"
    genres = ("Comedy", "Drama", "Comedy")
    rows = [f'{row},"laugh, film {row}",{genres[row % 3]}\n' for row in range(ROWS)]
    rows[100] = "broken,row,here,too\n"
    path.write_text("id,overview,genres\n" + "".join(rows))
    return path


def _run(model: Path, catalog: Path, output: Path) -> subprocess.Popen[bytes]:
    """Start the command that an output is named after."""
    return subprocess.Popen(
        [COMMAND, "-q", output.name.split(".")[0], catalog, "-o", output, "--threads", "1"],
        env=os.environ | {MODEL_VARIABLE: str(model)},
    )


@pytest.fixture(scope="module")
def uninterrupted(
    tiny_model: Path, catalog: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The outputs of uninterrupted runs."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    for name in OUTPUTS:
        assert _run(tiny_model, catalog, folder / name).wait(_LONGEST) == 0
    return folder


def _killed_and_resumed(
    seed: int, model: Path, catalog: Path, folder: Path, seconds: float
) -> tuple[str, bool]:
    """Kill a run and up to two reruns, and run it again to its end.

    Returns:
        The name of its output, and whether any of them was killed before its end.
    """
    name = OUTPUTS[seed % len(OUTPUTS)]
    output = folder / str(seed) / name
    output.parent.mkdir()
    workspace = output.parent / f".{output.name}.genre-batch"
    moments = random.Random(seed)
    killed = False
    for _ in range(moments.randint(1, 3)):
        process = _run(model, catalog, output)
        time.sleep(moments.uniform(0.2, seconds))
        process.send_signal(signal.SIGKILL)
        if process.wait(_LONGEST) != -signal.SIGKILL:
            return name, killed
        killed = True
        if output.exists() and not workspace.exists():
            return name, killed
    assert _run(model, catalog, output).wait(_LONGEST) == 0
    return name, killed


@pytest.mark.slow
def test_whenever_it_is_killed_the_same_command_finishes_the_same_bytes(
    tiny_model: Path, catalog: Path, uninterrupted: Path, tmp_path: Path
) -> None:
    started = time.monotonic()
    assert _run(tiny_model, catalog, tmp_path / "tag.jsonl").wait(_LONGEST) == 0
    seconds = 2 * (time.monotonic() - started)  # two run at a time
    with ThreadPoolExecutor(2) as pool:
        done = list(
            pool.map(
                lambda seed: _killed_and_resumed(seed, tiny_model, catalog, tmp_path, seconds),
                SEEDS,
            )
        )
    assert any(killed for _, killed in done)
    for seed, (name, _) in zip(SEEDS, done, strict=True):
        folder = tmp_path / str(seed)
        assert sorted(path.name for path in folder.iterdir()) == [name, f"{name}.rejects.jsonl"]
        assert (folder / name).read_bytes() == (uninterrupted / name).read_bytes()
