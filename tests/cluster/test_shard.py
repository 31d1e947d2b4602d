"""cluster/shard.py: which share of the parts a process writes."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from genre_batch import UsageError, tag_catalog
from genre_batch.cluster.shard import Shard, find_shard
from support.places import COMMAND

SLURM = {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "5"}


@pytest.mark.parametrize(
    ("spelling", "environment", "expected"),
    [
        ("0/1", {}, (0, 1)),
        (" 3/100 ", {}, (3, 100)),
        ("auto", {"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "3"}, (0, 3)),
        ("auto", SLURM, (2, 4)),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_STEP": "2"}, (1, 4)),
        ("auto", {"JOB_COMPLETION_INDEX": "4", "JOB_COMPLETIONS": "5"}, (4, 5)),
        (
            "auto",
            {"SLURM_ARRAY_TASK_ID": "", "JOB_COMPLETION_INDEX": "4", "JOB_COMPLETIONS": "5"},
            (4, 5),
        ),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_MIN": "4", "SLURM_ARRAY_TASK_STEP": ""}, (3, 4)),
        (" auto ", SLURM, (2, 4)),
        ("auto", {"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "2"}, (0, 2)),
    ],
)
def test_a_share_is_typed_or_found_in_the_environment(
    spelling: str, environment: dict[str, str], expected: tuple[int, int]
) -> None:
    assert find_shard(spelling, environment) == Shard(*expected)


@pytest.mark.parametrize(
    ("spelling", "environment", "message"),
    [
        ("3/3", {}, "K must be below N, got '3/3'"),
        ("0/0", {}, "K must be below N"),
        ("1", {}, "must be K/N, such as 0/4"),
        ("-1/3", {}, "must be K/N"),
        ("١/٣", {}, "must be K/N"),  # noqa: RUF001
        ("auto", {}, "none of SLURM_ARRAY_TASK_ID, .* is set"),
        ("auto", {"SLURM_ARRAY_TASK_ID": "1"}, "SLURM_ARRAY_TASK_COUNT is not set: type K/N"),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_ID": "19"}, "have gaps .*: submit it with --array=0-3"),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_STEP": "4"}, "have gaps"),
        ("auto", {"JOB_COMPLETION_INDEX": "4"}, "JOB_COMPLETIONS is not set: set it to the Job's"),
        ("auto", {"JOB_COMPLETION_INDEX": "x", "JOB_COMPLETIONS": "5"}, "is 'x'"),
        ("auto", {"JOB_COMPLETION_INDEX": "5", "JOB_COMPLETIONS": "5"}, "K must be below N"),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_MIN": "x"}, "SLURM_ARRAY_TASK_MIN is 'x': type K/N"),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_MIN": "-3"}, "SLURM_ARRAY_TASK_MIN is '-3'"),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_STEP": "2.0"}, "SLURM_ARRAY_TASK_STEP is '2.0'"),
        ("auto", SLURM | {"SLURM_ARRAY_TASK_COUNT": "9" * 5_000}, "SLURM_ARRAY_TASK_COUNT is '99"),
        ("auto", {"AWS_BATCH_JOB_ARRAY_INDEX": "1"}, "AWS_BATCH_JOB_ARRAY_SIZE is not set"),
        ("0/" + "9" * 5_000, {}, "must be K/N"),
        ("0x1/3", {}, "must be K/N"),
        ("1/3/5", {}, "must be K/N"),
        ("", {}, "must be K/N"),
    ],
)
def test_a_share_that_cannot_be_is_refused(
    spelling: str, environment: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        find_shard(spelling, environment)


@pytest.fixture
def catalogs(working_folder: Path, default_model: Path) -> Path:
    Path("in").mkdir()
    for name in "abcdefgh":
        rows = "".join(f"{row},laugh {name} {row}\n" for row in range(50))
        Path(f"in/{name}.csv").write_text(f"id,overview\n{rows}broken,row,here\n")
    return working_folder


def _files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_the_last_share_completes_the_folder(catalogs: Path) -> None:
    for index in (2, 0, 1):
        assert not Path("out/_SUCCESS").exists()
        summary = tag_catalog("in", "out/", shard=f"{index}/3")
        assert summary.parts == (2 if index == 2 else 3)
    tag_catalog("in", "whole/")
    assert _files("out") == _files("whole")
    assert _files("out.genre-batch/rejects") == _files("whole.genre-batch/rejects")
    assert sorted(os.listdir("out.genre-batch")) == ["job.json", "parts", "rejects"]
    whole = tag_catalog("in", "out/")
    assert (whole.parts_done_before, whole.rows, whole.rows_rejected) == (8, 400, 8)


def test_a_share_without_parts_is_no_error(catalogs: Path) -> None:
    assert tag_catalog("in/a.csv", "out/", shard="5/9").rows == 0
    assert not Path("out/_SUCCESS").exists()


def test_each_share_has_its_own_list_of_failures(catalogs: Path) -> None:
    Path("in/b.csv").write_text("id,story\n1,laugh\n")
    tag_catalog("in", "out/", shard="0/2")
    with pytest.raises(Exception, match=r"1 of 4 parts failed .*failures-00001-of-00002\.jsonl"):
        tag_catalog("in", "out/", shard="1/2")
    assert not Path("out/_SUCCESS").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "o.csv"}, "`shard` needs a folder: `output` tagged/"),
        ({"source": "-"}, "stdin cannot be read by several machines"),
        ({"cache": "c"}, "`cache` and `shard` cannot be used together"),
        ({"limit": 3}, "`limit` and `shard` cannot be used together"),
        ({"rejects": "r.jsonl"}, "`rejects` names one file"),
    ],
)
def test_what_shares_cannot_do_is_refused(
    catalogs: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        tag_catalog(**{"source": "in", "output": "out/", "shard": "0/2"} | options)


@pytest.mark.alone
@pytest.mark.process
def test_a_share_that_is_killed_is_started_again(catalogs: Path) -> None:
    def start(index: int) -> subprocess.Popen[bytes]:
        line = [str(COMMAND), "-q", "tag", "in", "-o", "out/", "--shard", "auto"]
        environment = {"JOB_COMPLETION_INDEX": str(index), "JOB_COMPLETIONS": "3"}
        return subprocess.Popen(line, env=os.environ | environment)

    big = "id,overview\n" + "".join(f"{row},laugh {row}\n" for row in range(200_000))
    Path("in/b.csv").write_text(big)
    processes = [start(index) for index in range(3)]
    while not Path("out.genre-batch/temporary").exists():
        assert processes[1].poll() is None
    processes[1].send_signal(signal.SIGKILL)
    codes = [process.wait(60) for process in processes]
    assert (codes[0], codes[2]) == (0, 0)
    assert not Path("out/_SUCCESS").exists()
    assert start(1).wait(60) == 0
    tag_catalog("in", "whole/")
    assert _files("out") == _files("whole")
    assert not Path("out.genre-batch/temporary").exists()
