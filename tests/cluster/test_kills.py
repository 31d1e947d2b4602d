"""Promise: however often processes are killed at random, no row is lost or written twice.

`GENRE_BATCH_KILLS=100` makes it a long run of that many kills, for each kind of storage;
`--log-cli-level=INFO` counts them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import polars as pl
import pytest

from genre_batch import tag_catalog
from support.object_storage import object_storage
from support.places import COMMAND
from support.processes import workers_below
from support.ray_cluster import RayCluster, ray_cluster

pytest.importorskip("ray")
pytestmark = [pytest.mark.cluster, pytest.mark.process, pytest.mark.slow]

KILLS = int(os.environ.get("GENRE_BATCH_KILLS", "2"))
PARTS, ROWS = 12, 3_000
VICTIMS = ("worker", "worker", "node", "driver")

Files = dict[str, bytes]

_LOG = logging.getLogger(__name__)


@pytest.fixture
def expected(working_folder: Path, default_model: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """The files that one machine writes for the inputs in `in`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(working_folder / "home"))
    Path("in").mkdir()
    for part in range(PARTS):
        texts = [f"laugh part {part} row {row}" for row in range(ROWS)]
        table = pl.DataFrame({"part": [part] * ROWS, "id": range(ROWS), "overview": texts})
        table.write_parquet(f"in/{part:02}.parquet")
    tag_catalog("in", "here/")
    return _folder("here")


def _folder(name: str) -> Files:
    paths = (path for path in Path(name).rglob("*") if path.is_file())
    return {str(path.relative_to(name)): path.read_bytes() for path in paths}


def _start(cluster: RayCluster, output: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [COMMAND, "-q", "tag", "in", "-o", output, "--engine", "ray"],
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


def _run_to_the_end(cluster: RayCluster, output: str, killed: Counter[str]) -> None:
    """Type the command until it succeeds, and kill things while it runs.

    A part whose worker is killed over and over again fails, and is written by the next command.
    """
    while True:
        driver = _start(cluster, output)
        time.sleep(random.uniform(1.0, 4.0))
        burst = random.randint(1, 8)
        while driver.poll() is None and burst and killed.total() < KILLS:
            victim = random.choice(VICTIMS)
            if _kill(victim, cluster, driver):
                killed[victim] += 1
                burst -= 1
            time.sleep(random.uniform(0.2, 3.0))
        _, errors = driver.communicate(timeout=300)
        if driver.returncode == 0:
            return
        if driver.returncode == 1:
            assert b" of 12 parts failed (the first: " in errors, errors
            _LOG.info("%s", errors)
        else:
            assert driver.returncode == -signal.SIGKILL, errors


def _kill_at_random(
    cluster: RayCluster, output: str, files: Callable[[], Files], clear: Callable[[], None]
) -> Iterator[Files]:
    """Yield the files of one finished job after another, until enough was killed."""
    random.seed(KILLS)
    killed: Counter[str] = Counter()
    while killed.total() < KILLS:
        clear()
        _run_to_the_end(cluster, output, killed)
        _LOG.info("%s: killed %s", output, dict(killed))
        yield files()


def test_random_kills_on_a_local_disk(expected: Files) -> None:
    def clear() -> None:
        for folder in ("out", "out.genre-batch"):
            shutil.rmtree(folder, ignore_errors=True)

    with ray_cluster(2) as cluster:
        for files in _kill_at_random(cluster, "out/", lambda: _folder("out"), clear):
            assert files == expected
            assert pl.read_parquet("out").height == PARTS * ROWS
            assert not Path("out.genre-batch/temporary").exists()


def test_random_kills_on_s3_that_refuses_one_put_in_five(
    expected: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    with object_storage(failing=5) as storage, ray_cluster(2, **storage.environment) as cluster:
        for name, value in storage.environment.items():
            monkeypatch.setenv(name, value)
        bucket = boto3.resource("s3").create_bucket(Bucket="films")

        def files() -> Files:
            found = bucket.objects.filter(Prefix="out/")
            return {each.key.removeprefix("out/"): each.get()["Body"].read() for each in found}

        def clear() -> None:
            bucket.objects.all().delete()

        for written in _kill_at_random(cluster, "s3://films/out/", files, clear):
            assert written == expected
        assert storage.failed >= storage.puts // 5 > 0
