"""cluster/ray_task.py: a worker returns its mark or its error as values."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genre_batch import tag_catalog
from genre_batch.cluster import ray_task
from genre_batch.cluster.ray_task import KEEPALIVE, run_part
from support.ray_work import work_of

pytestmark = pytest.mark.usefixtures("default_model")


@pytest.fixture(autouse=True)
def _catalog(working_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAYON_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    ray_task._writers.clear()
    Path("in").mkdir()
    Path("in/a.csv").write_text("id,overview\n1,laugh\n1,2,3\n")


def _run(**changes: Any) -> dict[str, Any]:
    work, part, model = work_of("in", "out/")
    return run_part(work | changes, part, model)


def test_a_part_is_written_from_another_folder_with_names_as_they_were_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work, part, model = work_of("in", "out/")
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    result = run_part(work, part, model)
    monkeypatch.chdir("..")
    assert result["mark"]["counts"]["rejects"] == ("rejects/a.csv.rejects.jsonl",)
    tag_catalog("in", "here/")
    for name in ("/a.csv", ".genre-batch/rejects/a.csv.rejects.jsonl"):
        assert Path(f"out{name}").read_bytes() == Path(f"here{name}").read_bytes()
    assert os.listdir("elsewhere") == []
    again = tag_catalog("in", "out/")
    assert (again.parts_done_before, again.rows_rejected) == (1, 1)


def test_names_of_a_file_that_only_the_driver_has(tmp_path: Path) -> None:
    Path("names.csv").write_text("Lustspiel,Comedy\n")
    tag_catalog("in", "here/", genre_map="names.csv")
    work, part, model = work_of("in", "out/", genre_map="names.csv")
    Path("names.csv").unlink()
    assert "mark" in run_part(work, part, model)
    assert b"Lustspiel" in Path("out/a.csv").read_bytes()
    assert Path("out/a.csv").read_bytes() == Path("here/a.csv").read_bytes()


def test_a_part_may_have_more_threads_than_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    work, part, model = work_of("in", "out/")
    assert "mark" in run_part(work, part, model, 2)
    (writer,) = ray_task._writers.values()
    assert (writer.tagger.threads, os.environ["RAYON_NUM_THREADS"]) == (2, "2")


def test_another_version_stops_the_run_before_anything_is_written() -> None:
    work, part, model = work_of("in", "out/")
    versions = work["versions"] | {"pyarrow": "1.0", "polars": "0.5"}
    result = run_part(work | {"versions": versions}, part, model)
    assert (result["stops"], result["exit_code"]) == (True, 1)
    assert "this machine pyarrow 1.0, polars 0.5: install the same environment" in result["message"]
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("asked", "own", "is_allowed"),
    [
        ("5000", None, False),
        ("5000", "6000", False),
        ("5000", "5000", True),
        ("70000", None, True),
        (None, None, True),
        ("70000", "300000", True),
    ],
)
def test_a_node_that_would_close_the_connection_during_a_long_part_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, own: str | None, is_allowed: bool
) -> None:
    monkeypatch.delenv(KEEPALIVE, raising=False)
    if own is not None:
        monkeypatch.setenv(KEEPALIVE, own)
    result = _run(keepalive=asked)
    assert ("mark" in result) == is_allowed
    if not is_allowed:
        assert result["stops"]
        assert f"was started without {KEEPALIVE}=5000, which this command has" in result["message"]


def test_a_folder_that_is_not_shared_is_named() -> None:
    work, part, model = work_of("in", "out/")
    shutil.rmtree("out.genre-batch")
    result = run_part(work, part, model)
    assert "out is not the folder of this job on node" in result["message"]
    assert not result["stops"]


@pytest.mark.parametrize(
    ("content", "kind", "stops"),
    [(b"id,overview\n\xff\0\n", "CatalogError", False), (b"id,story\n1,a\n", "ColumnError", False)],
)
def test_an_error_of_the_input_is_one_of_its_part(content: bytes, kind: str, stops: bool) -> None:
    Path("in/a.csv").write_bytes(content)
    result = _run()
    assert (result["error"], result["stops"]) == (kind, stops)


def test_a_model_that_is_damaged_stops_the_run() -> None:
    work, part, model = work_of("in", "out/")
    result = run_part(work, part, replace(model, content=b"nonsense", is_ready=True))
    assert (result["error"], result["stops"]) == ("ModelError", True)


def test_warnings_come_back_as_values() -> None:
    import gzip

    Path("in/a.csv").unlink()
    Path("in/b.csv.gz").write_bytes(
        gzip.compress(b"id,overview\n1,laugh\n" + bytes(range(97, 122)) * 9) + b"more"
    )
    (warning, *_) = _run()["warnings"]
    assert "the bytes after the end of the gzip data" in warning


def test_an_unknown_error_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("first\nsecond")

    monkeypatch.setattr("genre_batch.cluster.write_part.PartWriter.write", fail)
    assert _run()["message"] == "RuntimeError: first"
