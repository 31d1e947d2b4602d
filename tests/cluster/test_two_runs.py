"""Promise: what one run writes, removes or reads does no harm to another in the same folder.

Where the second run falls between two steps of the first, it is called from there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from genre_batch import CatalogError, GenreBatchError, TagSummary, files, tag_catalog
from genre_batch.cluster import cut_parts, folder_job, marks, storage
from genre_batch.cluster.folder_job import FolderJob
from genre_batch.cluster.on_ray import work_of_job
from genre_batch.cluster.ray_task import run_part
from genre_batch.tagging.job import tag_job
from genre_batch.tagging.task import TaskWriter
from genre_batch.tagging.workspace import Workspace
from support import tiny
from support.object_storage import object_storage
from support.places import files_below

pytestmark = pytest.mark.usefixtures("default_model", "working_folder")

BROKEN = "broken,row,here\n"


@pytest.fixture(autouse=True)
def _catalogs(working_folder: Path) -> None:
    Path("in").mkdir()
    for name in "abcd":
        Path(f"in/{name}.csv").write_text(tiny.films(5, name) + BROKEN)


def _tag(output: str = "out/", **options: Any) -> TagSummary:
    return tag_catalog("in", output, **options)


def _rejects() -> list[str]:
    return sorted(files_below("out.genre-batch/rejects"))


def _once(action: Callable[[], Any]) -> Callable[[], None]:
    """Return a function that does something the first time it is called."""
    left = [action]

    def act() -> None:
        if left:
            left.pop()()

    return act


def _while_planning(patches: pytest.MonkeyPatch, action: Callable[[], Any]) -> None:
    """Have something done after job.json was looked at, before the folder is."""
    act, cut = _once(action), cut_parts.cut_parts

    def cut_later(*arguments: Any) -> Any:
        act()
        return cut(*arguments)

    patches.setattr(folder_job, "cut_parts", cut_later)


def _before_beginning(patches: pytest.MonkeyPatch, action: Callable[[], Any]) -> None:
    """Have something done after the folder was looked at."""
    act, begin = _once(action), FolderJob.begin

    def begun(self: FolderJob) -> None:
        act()
        begin(self)

    patches.setattr(FolderJob, "begin", begun)


def _before_the_name(patches: pytest.MonkeyPatch, part: str, action: Callable[[], Any]) -> None:
    """Have something done after all of a part was read."""
    act, write = _once(action), TaskWriter.write

    def written(self: TaskWriter) -> Any:
        check = self.check

        def acting() -> None:
            act()
            check()

        if self.task.name == part:
            self.check = acting
        return write(self)

    patches.setattr(TaskWriter, "write", written)


@pytest.mark.parametrize("begins", ["meanwhile", "afterwards"])
def test_a_run_that_fails_before_its_first_part_leaves_the_job_to_one_on_a_cluster(
    begins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[FolderJob] = []

    def begin() -> None:
        others[0].begin()
        others[0].prepare(others[0].left())

    def failing(self: TaskWriter) -> None:
        others.append(FolderJob(tag_job(sources=["in"], output="out/", engine="ray")))
        if begins == "meanwhile":
            begin()
        raise GenreBatchError("no power")

    with monkeypatch.context() as patches:
        patches.setattr(TaskWriter, "write", failing)
        with pytest.raises(GenreBatchError, match="no power"):
            _tag()
    if begins == "afterwards":
        begin()
    work, part = work_of_job(others[0], 1), others[0].parts[0]
    assert "mark" in run_part(work, part.as_dict(), others[0].tagger.file)
    assert _tag().parts_done_before == 1


WINDOWS = pytest.mark.parametrize("window", [_while_planning, _before_beginning])


@WINDOWS
@pytest.mark.parametrize("options", [{}, {"force": True, "probabilities": True}])
def test_shares_may_start_at_any_time_of_each_other(
    window: Callable[..., None], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if options:
        _tag()
    with monkeypatch.context() as patches:
        window(patches, lambda: _tag(shard="0/2", **options))
        _tag(shard="1/2", **options)
    assert Path("out/_SUCCESS").exists()
    assert _rejects() == [f"{name}.csv.rejects.jsonl" for name in "abcd"]
    assert _tag(**options).parts_done_before == 4
    _tag("here/", **options)
    assert files_below("out") == files_below("here")


@pytest.mark.parametrize("way", ["shares", "resumed"])
def test_what_a_replaced_job_wrote_is_removed_by_whoever_completes_the_folder(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tag()
    Path("in/d.csv").unlink()
    Path("out/mine.txt").write_text("precious")
    if way == "shares":
        _tag(probabilities=True, force=True, shard="0/2")
        _tag(probabilities=True, shard="1/2")
    else:
        with monkeypatch.context() as patches:
            patches.setattr(TaskWriter, "write", _failing)
            with pytest.raises(GenreBatchError, match="no power"):
                _tag(probabilities=True, force=True)
        assert "d.csv" in files_below("out")
        _tag(probabilities=True)
    assert list(files_below("out")) == ["_SUCCESS", "a.csv", "b.csv", "c.csv", "mine.txt"]
    assert _rejects() == [f"{name}.csv.rejects.jsonl" for name in "abc"]
    Path("out/d.csv").write_text("mine now")
    _tag(probabilities=True)
    assert files_below("out")["d.csv"] == b"mine now"


def _failing(self: TaskWriter) -> None:
    raise GenreBatchError("no power")


def test_other_inputs_that_are_written_meanwhile_are_not_those_of_the_replaced_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _tag()
    new: dict[str, Any] = {"probabilities": True, "force": True, "shard": "0/1"}
    with monkeypatch.context() as patches:
        _before_the_name(patches, "a.csv", lambda: tag_catalog("in/d.csv", "out/", **new))
        tag_catalog("in/a.csv", "out/", **new)
    assert list(files_below("out")) == ["_SUCCESS", "a.csv", "d.csv"]
    _tag("here/", probabilities=True)
    assert files_below("out")["d.csv"] == files_below("here")["d.csv"]


def test_a_part_that_comes_late_does_not_replace_that_of_another_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patches:
        _before_the_name(
            patches, "b.csv", lambda: _tag(shard="0/1", probabilities=True, force=True)
        )
        with pytest.raises(GenreBatchError, match="out was given to another job while this run"):
            _tag(shard="0/1")
    files = files_below("out")
    assert _tag(probabilities=True).parts_done_before == 4
    assert files_below("out") == files


def test_a_part_of_the_old_content_of_an_input_does_not_replace_that_of_the_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def change() -> None:
        Path("in/b.csv").write_text(tiny.films(7, "new"))
        _tag(shard="0/1")

    with monkeypatch.context() as patches:
        _before_the_name(patches, "b.csv", change)
        with pytest.raises(CatalogError, match=r"in/b\.csv changed while the run was reading it"):
            _tag(shard="0/1")
    files = files_below("out")
    assert _tag().parts_done_before == 4
    assert files_below("out") == files
    assert b"new" in files["b.csv"]


def test_a_temporary_file_that_other_runs_remove_is_written_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    removed: list[str] = []

    def remove() -> None:
        removed.append("temporary")
        shutil.rmtree("out.genre-batch/temporary")

    write = TaskWriter.write

    def written(self: TaskWriter) -> Any:
        if len(removed) < 4:
            self.check = remove
        return write(self)

    with monkeypatch.context() as patches:
        patches.setattr(TaskWriter, "write", written)
        _tag(shard="0/1")
    assert len(removed) == 4
    _tag("here/")
    assert files_below("out") == files_below("here")


def test_a_share_that_completes_the_folder_leaves_the_lock_of_a_run(
    working_folder: Path,
) -> None:
    temporary = Path("out.genre-batch/temporary")
    with Workspace(temporary, "out/") as workspace:
        workspace.store.mkdir()
        (temporary / "left.partial").touch()
        _tag(shard="0/1")
        assert sorted(os.listdir(temporary)) == ["run.lock", "store"]
    assert not temporary.exists()


def test_a_mark_that_another_run_removes_is_not_a_damaged_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _tag()
    with monkeypatch.context() as patches:
        patches.setattr(marks, "read_bytes", lambda path: None)
        with pytest.raises(CatalogError, match=r"another run is writing out/a\.csv again: wait"):
            _tag()


def test_nothing_is_in_the_folder_that_is_not_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    paths: list[str] = []

    def noted(path: str) -> Any:
        paths.append(path)
        return files.replacing(path)

    monkeypatch.setattr(storage, "replacing", noted)
    _tag()
    assert paths
    assert all(path.startswith("out.genre-batch/") for path in paths)


def test_rejects_that_a_killed_run_left_in_cloud_storage_are_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with object_storage() as storage:
        for name, value in storage.environment.items():
            monkeypatch.setenv(name, value)
        bucket = boto3.resource("s3").create_bucket(Bucket="killed")
        _tag("s3://killed/out/", shard="0/1")
        bucket.objects.filter(Prefix="out.genre-batch/parts/").delete()
        Path("in/b.csv").write_text(tiny.films(5, "b"))
        _tag("s3://killed/out/", shard="0/1")
        keys = [each.key for each in bucket.objects.filter(Prefix="out.genre-batch/rejects/")]
        assert [key.rpartition("/")[2] for key in keys if key[-1] != "/"] == [
            f"{name}.csv.rejects.jsonl" for name in "acd"
        ]
