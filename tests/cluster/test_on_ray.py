"""cluster/on_ray.py: the same files as without a cluster, whatever is killed, frozen or typed."""

from __future__ import annotations

import contextlib
import gzip
import importlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import polars as pl
import pytest

from genre_batch import UsageError, tag_catalog
from genre_batch.cluster import on_ray
from genre_batch.cluster.folder_job import FolderJob
from genre_batch.tagging.job import TagJob
from genre_batch.version import __version__
from support.object_storage import ObjectStorage, object_storage
from support.places import COMMAND, files_below
from support.processes import workers_below
from support.ray_cluster import RayCluster, ray_cluster

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.process,
    pytest.mark.usefixtures("default_model", "working_folder"),
]

Process = subprocess.Popen[str]


@pytest.fixture(scope="module")
def storage() -> Iterator[ObjectStorage]:
    with object_storage() as storage:
        yield storage


@pytest.fixture(scope="module")
def cluster(storage: ObjectStorage) -> Iterator[RayCluster]:
    with ray_cluster(2, **storage.environment) as cluster:
        yield cluster


def _write_catalogs(parts: int, rows: int) -> None:
    Path("in").mkdir()
    for part in range(parts):
        texts = [f"laugh part {part} row {row}" for row in range(rows)]
        table = pl.DataFrame({"id": range(rows), "overview": texts})
        table.write_parquet(f"in/{part:02}.parquet")


def _start(cluster: RayCluster, *arguments: str, output: str = "out/") -> Process:
    return subprocess.Popen(
        [COMMAND, "tag", "in", "-o", output, "--engine", "ray", *arguments],
        env=os.environ | dict(cluster.environment) | {"RAY_ADDRESS": cluster.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process: Process, code: int = 0, seconds: float = 90) -> str:
    """Wait for a run; return its stderr. Nothing is ever on its stdout."""
    output, errors = process.communicate(timeout=seconds)
    assert (process.returncode, output) == (code, ""), errors
    return errors


def _marks() -> list[Path]:
    return list(Path("out.genre-batch/parts").glob("*.json"))


def _wait_for_marks(count: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while len(_marks()) < count:
        assert time.monotonic() < end
        time.sleep(0.02)


def _kill_a_worker(cluster: RayCluster) -> None:
    """Kill a worker that is writing a part; between two parts it has another name."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(IndexError, ProcessLookupError):
            os.kill(workers_below(cluster.raylets)[0], signal.SIGKILL)
            return
        time.sleep(0.01)
    raise AssertionError("no worker")


def _summary(path: str) -> Mapping[str, Any]:
    summary: dict[str, Any] = json.loads(Path(path).read_text())
    for name in ("seconds", "rows_per_second", "output", "texts_from_cache", "parts_done_before"):
        del summary[name]
    return summary


def test_a_cluster_writes_the_files_and_the_summary_of_one_machine(cluster: RayCluster) -> None:
    _write_catalogs(24, 20)
    _end(_start(cluster, "--summary-json", "ray.json"))
    tag_catalog("in", "here/", summary_json="here.json")
    assert files_below("out") == files_below("here")
    assert _summary("ray.json") == _summary("here.json")
    assert sorted(os.listdir("out.genre-batch")) == ["job.json", "parts"]
    times = {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    assert "out holds parts of another job" in _end(_start(cluster, "--probabilities"), 1)
    _end(_start(cluster))
    assert times == {path: path.stat().st_mtime_ns for path in Path("out").iterdir()}


def test_whatever_is_killed_the_same_command_writes_the_same_files(cluster: RayCluster) -> None:
    _write_catalogs(60, 4_000)
    run = _start(cluster)
    _wait_for_marks(2)
    _kill_a_worker(cluster)
    _wait_for_marks(4)
    added = cluster.add_node()
    _wait_for_marks(6)
    os.kill(added, signal.SIGKILL)
    cluster.raylets.remove(added)
    _wait_for_marks(8)
    run.send_signal(signal.SIGKILL)
    _end(run, -signal.SIGKILL)
    done = len(_marks())
    assert done < 60
    assert not Path("out/_SUCCESS").exists()
    errors = _end(_start(cluster, "--summary-json", "s.json"))
    assert json.loads(Path("s.json").read_text())["parts_done_before"] >= done, errors
    tag_catalog("in", "here/")
    assert files_below("out") == files_below("here")
    assert not Path("out.genre-batch/temporary").exists()


_HIDES = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "{module}":
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""


@pytest.mark.parametrize(
    ("module", "named"), [("genre_batch", f"genre-batch {__version__}"), ("tokenizers",) * 2]
)
def test_a_node_that_lacks_a_package_is_one_line(module: str, named: str) -> None:
    _write_catalogs(2, 2)
    Path("nodes").mkdir()
    Path("nodes/sitecustomize.py").write_text(_HIDES.format(module=module))
    with ray_cluster(1, PYTHONPATH=os.path.abspath("nodes")) as cluster:
        own = dict(cluster.environment)
        del own["PYTHONPATH"]
        errors = _end(_start(replace(cluster, environment=own)), 1)
    assert re.fullmatch(
        rf"Error: node \S+ lacks {re.escape(named)}: install the same environment on every node\n",
        errors,
    ), errors
    assert not files_below("out")


def test_a_worker_that_wakes_up_late_changes_nothing(cluster: RayCluster) -> None:
    _write_catalogs(12, 4_000)
    run = _start(cluster)
    _wait_for_marks(2)
    frozen = workers_below(cluster.raylets)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        tag_catalog("in", "out/")
        files = files_below("out")
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    _end(run)
    assert files_below("out") == files


def test_two_runs_at_once_do_no_harm_and_a_damaged_file_fails_alone(cluster: RayCluster) -> None:
    _write_catalogs(8, 500)
    content = gzip.compress(b"id,overview\n" + b"1,laugh\n" * 500)
    Path("in/z.csv.gz").write_bytes(content[:-20])
    runs = [_start(cluster), _start(cluster)]
    for run in runs:
        assert "1 of 9 parts failed (the first on node" in _end(run, 1)
    assert json.loads(Path("out.genre-batch/failures.jsonl").read_text())["part"] == "z.csv.gz"
    Path("in/z.csv.gz").write_bytes(content)
    assert _end(_start(cluster)) == "8 of 9 outputs were complete before\n"
    tag_catalog("in", "here/")
    assert files_below("out") == files_below("here")


@pytest.mark.parametrize("option", ["--keep-going", "--fail-fast"])
def test_parts_that_fail_while_the_run_stops_do_not_abort_it(
    cluster: RayCluster, option: str
) -> None:
    Path("in").mkdir()
    for part in range(60):
        Path(f"in/{part:02}.csv").write_text("id,story\n1,laugh\n")
    errors = _end(_start(cluster, option), 1)
    assert re.fullmatch(r"Error: (20 of 20|\d+ of 60) parts failed \(the first .*\n", errors)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_stops_a_run_and_says_how_to_go_on(
    cluster: RayCluster, number: signal.Signals, code: int
) -> None:
    _write_catalogs(20, 4_000)
    run = _start(cluster)
    _wait_for_marks(2)
    run.send_signal(number)
    errors = _end(run, code, 30)
    assert errors.startswith(f"Stopped by {number.name}: ")
    assert "of 20 parts are done: run the same command again to resume" in errors
    assert len(errors.splitlines()) == 1


def test_more_cores_than_any_node_has_are_refused(cluster: RayCluster) -> None:
    _write_catalogs(1, 1)
    errors = _end(_start(cluster, "--threads", "64"), 2, 30)
    assert errors == (
        "Error: --threads 64 is more than any node has: the largest has 1: set --threads to 1 or "
        "less\n"
    )
    assert not Path("out.genre-batch").exists()


def test_an_input_that_a_node_does_not_see_is_named(cluster: RayCluster) -> None:
    from genre_batch.cluster.ray_task import run_part
    from support.ray_work import work_of

    _write_catalogs(1, 1)
    work, part, model = work_of("in", "out/")
    Path("in/00.parquet").rename("gone")
    result = run_part(work, part, model)
    assert "in/00.parquet is not on node" in result["message"]


def test_objects_are_those_of_one_machine_and_a_second_run_writes_none(
    cluster: RayCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CACHE_HOME", "home")
    bucket = boto3.resource("s3").create_bucket(Bucket="objects")
    _write_catalogs(12, 4_000)
    run = _start(cluster, output="s3://objects/out/")
    end = time.monotonic() + 60
    while not [*bucket.objects.filter(Prefix="out.genre-batch/parts/")]:
        assert time.monotonic() < end
        time.sleep(0.1)
    _kill_a_worker(cluster)
    _end(run)
    objects = {each.key: each.get()["Body"].read() for each in bucket.objects.all()}
    written = {each.key: each.last_modified for each in bucket.objects.all()}
    tag_catalog("in", "here/")
    assert {
        key[4:]: body for key, body in objects.items() if key.startswith("out/")
    } == files_below("here")
    time.sleep(1.1)  # S3 counts seconds
    _end(_start(cluster, output="s3://objects/out/"))
    assert {each.key: each.last_modified for each in bucket.objects.all()} == written


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "message"),
    [
        (["--address", "127.0.0.1:9"], {}, 1, "no Ray cluster at 127.0.0.1:9 (Connection refused)"),
        (["--address", "nowhere"], {}, 2, "--address must be HOST:PORT"),
        (["--address", "ray://127.0.0.1:10001"], {}, 2, "--address must be HOST:PORT"),
        ([], {"RAY_TMPDIR": "/nowhere"}, 1, "no Ray cluster on this machine: start one (ray start"),
    ],
)
def test_a_cluster_that_is_not_there_is_one_line(
    arguments: list[str], environment: dict[str, str], code: int, message: str
) -> None:
    _write_catalogs(1, 1)
    nowhere = RayCluster("auto", environment, [], None)  # type: ignore[arg-type]
    errors = _end(_start(nowhere, *arguments), code, 30)
    assert len(errors.splitlines()) == 1
    assert message in errors
    assert not Path("out.genre-batch").exists()


@pytest.mark.slow
def test_a_wrong_token_is_one_line_that_says_what_to_set(tmp_path: Path) -> None:
    _write_catalogs(1, 1)
    secret, wrong = "a" * 64, "b" * 64
    with ray_cluster(1, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secret) as cluster:
        typed = RayCluster(
            cluster.address,
            {**cluster.environment, "RAY_AUTH_TOKEN": wrong},
            cluster.raylets,
            cluster.manager,
        )
        errors = _end(_start(typed), 1, 60)
    assert "refused the connection: if it asks for a token, set RAY_AUTH_MODE=token" in errors


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("WorkerCrashedError", "in/00.parquet: its worker died: Ray's logs"),
        ("OutOfMemoryError", "in/00.parquet: its worker ran out of memory: let fewer parts run"),
    ],
)
def test_a_worker_that_does_not_survive_a_part_is_told_with_the_input(
    kind: str, message: str
) -> None:
    _write_catalogs(1, 1)
    part = FolderJob(TagJob(("in",), "out/")).parts[0]
    error = getattr(importlib.import_module("ray.exceptions"), kind)("Task killed.")
    failure = on_ray._failure(part, error)
    assert (failure.part, failure.error) == ("00.parquet", kind)
    assert failure.message.startswith(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "o.csv"}, "`engine` ray needs a folder: `output` tagged/"),
        ({"source": "-"}, "stdin cannot be read by several machines"),
        ({"source": "/dev/zero"}, "the stream /dev/zero cannot be read by several machines"),
        ({"cache": "c"}, "`cache` and `engine` ray cannot be used together.*: leave `cache` out"),
        ({"limit": 3}, "`limit` and `engine` ray cannot be used together.*: leave `limit` out"),
        ({"rejects": "r.jsonl"}, "`rejects` names one file"),
        ({"shard": "0/2"}, "`shard` and `engine` ray cannot be used together"),
        ({"engine": "local", "address": "auto"}, "`address` is for a Ray cluster"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused(options: dict[str, Any], message: str) -> None:
    _write_catalogs(1, 1)
    with pytest.raises(UsageError, match=message):
        tag_catalog(**{"source": "in", "output": "out/", "engine": "ray"} | options)
