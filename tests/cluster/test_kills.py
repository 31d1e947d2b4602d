"""Promise: however often processes are killed at random, no row is lost or written twice.

`GENRE_BATCH_KILLS=100` makes it a long run of that many kills.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest

from genre_batch import tag_catalog
from genre_batch.model.tagger import MODEL_VARIABLE
from support.places import COMMAND
from support.processes import workers_below
from support.ray_cluster import RayCluster, ray_cluster

pytest.importorskip("ray")
pytestmark = [pytest.mark.cluster, pytest.mark.process, pytest.mark.slow]

KILLS = int(os.environ.get("GENRE_BATCH_KILLS", "2"))
PARTS, ROWS = 12, 3_000
VICTIMS = ("worker", "worker", "node", "driver")


def _start(cluster: RayCluster) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [COMMAND, "-q", "tag", "in", "-o", "out/", "--engine", "ray"],
        env=os.environ | dict(cluster.environment) | {"RAY_ADDRESS": cluster.address},
        stderr=subprocess.PIPE,
    )


def _kill(victim: str, cluster: RayCluster, driver: subprocess.Popen[bytes]) -> bool:
    """Kill something; return whether it was there."""
    if victim == "driver":
        driver.kill()
        return True
    if victim == "node":
        # Not the head, whose loss ends the cluster; another node takes its place.
        os.kill(cluster.raylets.pop(), signal.SIGKILL)
        cluster.add_node()
        return True
    workers = workers_below(cluster.raylets)
    with contextlib.suppress(ProcessLookupError, IndexError):
        os.kill(random.choice(workers), signal.SIGKILL)
        return True
    return False


def _rows(folder: str) -> pl.DataFrame:
    return pl.read_parquet(folder).sort("part", "id")


def test_random_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(MODEL_VARIABLE, str(tiny_model))
    random.seed(KILLS)
    Path("in").mkdir()
    for part in range(PARTS):
        texts = [f"laugh part {part} row {row}" for row in range(ROWS)]
        table = pl.DataFrame({"part": [part] * ROWS, "id": range(ROWS), "overview": texts})
        table.write_parquet(f"in/{part:02}.parquet")
    tag_catalog("in", "here/")
    expected = {path.name: path.read_bytes() for path in Path("here").iterdir()}
    killed = 0
    with ray_cluster(2) as cluster:
        while killed < KILLS:
            for folder in ("out", "out.genre-batch"):
                subprocess.run(["rm", "-rf", folder], check=True)
            ended = None
            while ended is None:
                driver = _start(cluster)
                time.sleep(random.uniform(1.0, 3.0))
                while driver.poll() is None and killed < KILLS:
                    killed += _kill(random.choice(VICTIMS), cluster, driver)
                    time.sleep(random.uniform(0.2, 2.0))
                _, errors = driver.communicate(timeout=300)
                if driver.returncode == 0:
                    ended = driver
                else:
                    assert driver.returncode == -signal.SIGKILL, errors
            files = {path.name: path.read_bytes() for path in Path("out").iterdir()}
            assert files == expected
            assert _rows("out").height == PARTS * ROWS
            assert not Path("out.genre-batch/temporary").exists()
