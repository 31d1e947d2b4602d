"""cluster/folder_job.py: parts in the folder, all else beside it, and only what is missing runs."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.dataset as ds
import pytest

from genre_batch import (
    CatalogError,
    ColumnError,
    OutputExistsError,
    TagSummary,
    UsageError,
    tag_catalog,
)
from genre_batch.cluster.folder_job import FolderJob
from genre_batch.cluster.part import Part
from genre_batch.cluster.write_part import PartWriter
from genre_batch.tagging.job import tag_job
from genre_batch.tagging.workspace import Workspace
from support import tiny
from support.places import files_below

pytestmark = pytest.mark.usefixtures("default_model", "working_folder")


def _films(name: str, rows: int = 3) -> Path:
    path = Path("in", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tiny.films(rows, name))
    return path


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


@pytest.fixture
def three() -> list[Path]:
    return [_films(f"{name}.csv") for name in ("a", "deep/b", "c")]


def _tag(output: str = "out/", **options: Any) -> TagSummary:
    return tag_catalog("in", output, **options)


def _times() -> dict[str, int]:
    return {name: os.stat(f"out/{name}").st_mtime_ns for name in files_below("out")}


def test_a_folder_with_bad_rows_is_read_by_what_reads_folders() -> None:
    for name in "ab":
        _append(_films(f"{name}.csv"), "broken,row,here\n")
    summary = _tag(output_format="parquet")
    assert list(files_below("out")) == ["_SUCCESS", "a.parquet", "b.parquet"]
    assert summary.rejects == tuple(
        f"out.genre-batch/rejects/{name}.parquet.rejects.jsonl" for name in "ab"
    )
    assert all(Path(path).is_file() for path in summary.rejects)
    assert pl.read_parquet("out").height == pl.scan_parquet("out").collect().height == 6
    assert ds.dataset("out").count_rows() == 6


def test_the_same_command_again_writes_nothing_and_has_the_same_summary(three: list[Path]) -> None:
    first, times = _tag(), _times()
    again = _tag()
    assert _times() == times
    assert (first.parts, first.parts_done_before) == (3, 0)
    assert (again.parts, again.parts_done_before) == (3, 3)
    changing = {"seconds", "rows_per_second", "parts_done_before"}
    for name, value in first.as_dict().items():
        assert name in changing or value == again.as_dict()[name], name


@pytest.mark.parametrize("change", ["remove", "truncate", "touch", "rewrite", "add"])
def test_only_what_is_missing_or_changed_runs(three: list[Path], change: str) -> None:
    _tag()
    times = _times()
    if change == "remove":
        Path("out/c.csv").unlink()
    elif change == "truncate":
        os.truncate("out/c.csv", 5)
    elif change == "touch":
        os.utime(three[2], ns=(1, 1))
    elif change == "rewrite":
        three[2].write_text("id,overview\n1,laugh\n")
    else:
        _films("d.csv")
    summary = _tag()
    changed = {name for name, time in _times().items() if times.get(name) != time}
    assert changed == {"_SUCCESS", "d.csv" if change == "add" else "c.csv"}
    parts = 4 if change == "add" else 3
    assert (summary.parts, summary.parts_done_before) == (parts, parts - 1)
    files = files_below("out")
    shutil.rmtree("out")
    shutil.rmtree("out.genre-batch")
    _tag()
    assert files_below("out") == files


def test_an_input_that_is_put_back_is_not_taken_for_done(three: list[Path]) -> None:
    _tag()
    original, status = three[2].read_bytes(), three[2].stat()
    three[2].write_bytes(original.replace(b"laugh", b"cry  "))
    _tag()
    three[2].write_bytes(original)
    os.utime(three[2], ns=(status.st_atime_ns, status.st_mtime_ns))
    _tag()
    assert b"laugh" in Path("out/c.csv").read_bytes()


def test_what_is_removed_while_a_run_goes_on_is_a_failure_and_not_a_success(
    three: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = PartWriter.write

    def removing(writer: PartWriter, part: Part, *rest: Any) -> Any:
        if part.name == "deep/b.csv":
            shutil.rmtree("out")
        return write(writer, part, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(PartWriter, "write", removing)
        with pytest.raises(CatalogError) as error:
            _tag()
    assert str(error.value) == (
        "2 of 3 parts failed (the first: out/a.csv was removed while the run went on), see "
        "out.genre-batch/failures.jsonl: fix them, and run the same command again"
    )
    assert not getattr(error.value, "__notes__", [])
    assert files_below("out").keys() == {"deep/b.csv"}
    assert _tag().parts_done_before == 1
    assert "_SUCCESS" in files_below("out")


def test_without_its_marks_or_without_its_files_everything_runs(three: list[Path]) -> None:
    _tag()
    files = files_below("out")
    shutil.rmtree("out")
    assert _tag().parts_done_before == 0
    shutil.rmtree("out.genre-batch/parts")
    assert _tag().parts_done_before == 0
    assert _tag(resume=False).parts_done_before == 0
    assert files_below("out") == files


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"probabilities": True}, "other `probabilities`"),
        ({"threshold": 0.9, "separator": "|"}, "other `separator`, `threshold`"),
        ({"model": "other.onnx"}, "model "),
    ],
)
def test_parts_of_another_job_are_replaced_only_if_forced(
    three: list[Path], tiny_model: Path, options: dict[str, Any], words: str
) -> None:
    tiny.write_twin(Path("other.onnx"), tiny_model)
    _films("gone.csv")
    _tag()
    files = files_below("out")
    Path("in/gone.csv").unlink()
    with pytest.raises(CatalogError, match=rf"out holds parts of another job \({words}"):
        _tag(**options)
    assert files_below("out") == files
    Path("out/mine.txt").write_text("precious")
    summary = _tag(**options, force=True)
    assert summary.parts_done_before == 0
    assert list(files_below("out")) == ["_SUCCESS", "a.csv", "c.csv", "deep/b.csv", "mine.txt"]
    tag_catalog("in", "new/", **options)
    assert {
        name: content for name, content in files_below("out").items() if name != "mine.txt"
    } == files_below("new")


def test_a_file_that_no_job_wrote_is_kept_unless_forced(three: list[Path]) -> None:
    Path("out").mkdir()
    Path("out/c.csv").write_text("precious")
    with pytest.raises(OutputExistsError, match=r"out/c\.csv exists"):
        _tag()
    assert files_below("out") == {"c.csv": b"precious"}
    assert not Path("out.genre-batch").exists()
    assert _tag(force=True).rows == 9


def test_inputs_of_one_job_may_come_one_after_the_other(three: list[Path]) -> None:
    for path in three:
        tag_catalog(path, "out/")
    assert list(files_below("out")) == ["_SUCCESS", "a.csv", "b.csv", "c.csv"]


def test_a_damaged_file_does_not_keep_the_others_from_being_written() -> None:
    for name in "abcdefghij":
        content = gzip.compress(_films(f"{name}.csv").read_bytes())
        Path(f"in/{name}.csv").unlink()
        Path(f"in/{name}.csv.gz").write_bytes(content[:-20] if name == "d" else content)
    Path("out").mkdir()
    Path("out/_SUCCESS").touch()
    with pytest.raises(
        CatalogError,
        match=r"1 of 10 parts failed \(the first: in/d\.csv\.gz.*, see out\.genre-batch/"
        r"failures\.jsonl: fix them, and run the same command again",
    ):
        _tag()
    assert list(files_below("out")) == [f"{name}.csv.gz" for name in "abcefghij"]
    failure = json.loads(Path("out.genre-batch/failures.jsonl").read_text())
    assert (failure["part"], failure["source"]) == ("d.csv.gz", "in/d.csv.gz")
    assert failure["error"] == "CatalogError"
    Path("in/d.csv.gz").write_bytes(gzip.compress(b"id,overview\n1,laugh\n"))
    assert _tag().parts_done_before == 9
    assert "_SUCCESS" in files_below("out")
    assert sorted(os.listdir("out.genre-batch")) == ["job.json", "parts"]


def test_a_run_may_stop_at_the_first_failure(three: list[Path]) -> None:
    three[0].write_text("id,story\n1,laugh\n")
    with pytest.raises(ColumnError):
        _tag(keep_going=False)
    assert not Path("out.genre-batch").exists()
    three[2].write_text("id,overview\n1,2,3\n")
    with pytest.raises(CatalogError, match="has more fields than the header"):
        tag_catalog(["in/deep/b.csv", "in/c.csv"], "out/", strict=True)


def test_a_run_stops_when_the_first_twenty_parts_fail_alike() -> None:
    for number in range(30):
        _films(f"{number:02}.csv").write_text("id,story\n1,laugh\n")
    with pytest.raises(CatalogError, match="20 of 20 parts failed"):
        _tag()


@pytest.mark.parametrize("shard", [None, "0/1"])
def test_a_run_that_fails_leaves_the_job_of_another_that_is_running(
    three: list[Path], shard: str | None
) -> None:
    three[0].write_text("id,story\n1,laugh\n")
    other = FolderJob(tag_job(sources=["in"], output="out/"))
    other.begin()
    with Workspace(Path("out.genre-batch/temporary"), "out/"):
        with pytest.raises(CatalogError, match="another run" if shard is None else "no column"):
            _tag(shard=shard, keep_going=False)
        assert Path("out.genre-batch/job.json").exists()


def test_a_share_that_fails_first_leaves_the_job_to_the_others(three: list[Path]) -> None:
    three[0].write_text("id,story\n1,laugh\n")
    with pytest.raises(ColumnError):
        _tag(shard="0/3", keep_going=False)
    assert Path("out.genre-batch/job.json").exists()


@pytest.mark.parametrize("way", ["other cuts", "damaged", "removed"])
def test_a_job_that_replaces_itself_has_every_part_left(three: list[Path], way: str) -> None:
    _tag(shard="0/1")
    stored = Path("out.genre-batch/job.json")
    if way == "damaged":
        stored.write_text("[]")
    elif way == "removed":
        stored.unlink()
    size = "32MB" if way == "other cuts" else "64MB"
    job = tag_job(sources=["in"], output="out/", engine="ray", split_size=size, force=True)
    folder = FolderJob(job)
    assert len(folder.left()) == len(three)
    folder.begin()
    assert (folder.left(), folder.parts_done) == (folder.parts, 0)
    assert _tag(split_size=size).parts_done_before == 0


@pytest.mark.parametrize("options", [{}, {"shard": "0/1"}])
def test_without_resuming_every_part_is_written_again(
    three: list[Path], options: dict[str, str]
) -> None:
    _tag()
    summary = _tag(resume=False, **options)
    assert (summary.parts_done_before, summary.rows) == (0, 9)


def test_the_only_part_of_a_job_fails_with_its_own_error() -> None:
    _films("a.csv").write_text("id,story\n1,laugh\n")
    with pytest.raises(ColumnError, match="columns: id, story"):
        _tag()
    assert not Path("out.genre-batch").exists()


def test_unreadable_rows_of_an_earlier_run_are_errors_of_a_strict_one(three: list[Path]) -> None:
    _append(three[2], "1,2,3\n")
    assert _tag().rows_rejected == 1
    with pytest.raises(CatalogError, match="has more fields"):
        _tag(strict=True)
    three[2].write_text("id,overview\n1,laugh\n")
    assert _tag(strict=True).parts_done_before == 2
    assert not list(Path("out.genre-batch/rejects").rglob("*.jsonl"))


@pytest.mark.parametrize(("limit", "names"), [(0, "a"), (2, "a"), (3, "a"), (4, "ac"), (99, "acb")])
def test_a_limit_counts_over_all_parts_and_is_resumed(
    three: list[Path], limit: int, names: str
) -> None:
    for _ in range(2):
        summary = _tag(limit=limit)
        assert summary.rows == min(limit, 9)
        assert {Path(name).stem for name in files_below("out")} == {"_SUCCESS", *names}
    assert summary.parts_done_before == summary.parts == len(names)


def test_the_summary_may_be_written_again_by_the_same_job(three: list[Path]) -> None:
    _tag(summary_json="s.json")
    _tag(summary_json="s.json")
    with pytest.raises(OutputExistsError, match=r"s\.json exists"):
        _tag("other/", summary_json="s.json")


def test_folders_next_to_outputs_are_not_inputs(three: list[Path]) -> None:
    _append(three[2], "1,2,3\n")
    tag_catalog("in", "in/tagged/")
    shutil.rmtree("in/tagged")
    assert tag_catalog("in", "again/").parts == 3


@pytest.mark.parametrize("name", ["é" * 120 + ".csv", "x" * 250 + ".csv", "\udce9.csv"])
def test_names_may_be_as_long_as_names_may_be_and_of_any_bytes(name: str) -> None:
    content = _films("a.csv").read_bytes() + b"1,2,3\n"
    Path("in/a.csv").unlink()
    Path("in", name).write_bytes(content)
    assert tag_catalog("in", "out/").rows_rejected == 1
    assert tag_catalog("in", "out/").parts_done_before == 1


@pytest.mark.parametrize("output", [".", "./", "link", "sub/../out/"])
def test_the_folder_beside_is_next_to_the_output_however_it_is_spelled(
    three: list[Path], output: str
) -> None:
    Path("work/sub").mkdir(parents=True)
    Path("elsewhere").mkdir()
    Path("work/link").symlink_to("../elsewhere")
    os.chdir("work")
    tag_catalog("../in/a.csv", output, output_format="parquet")
    beside = {".": "../work", "./": "../work", "link": "../elsewhere"}.get(output, "out")
    assert Path(f"{beside}.genre-batch/job.json").is_file()
    assert Path(output, "a.parquet").is_file()


def test_a_model_may_be_named_as_for_one_output(three: list[Path]) -> None:
    with pytest.raises(UsageError, match="tiny"):
        _tag(model="tiny")
    summary = tag_catalog(three[0], "one/", model="default")
    assert summary.model == tag_catalog(three[0], "one.csv", model="default").model


def test_a_bucket_is_no_folder() -> None:
    _films("a.csv")
    with pytest.raises(UsageError, match="name a folder: s3://films/tagged/"):
        _tag("s3://films/")


_NO_OPTIONS = (
    '{"model": "m", "model_sha256": "0", "options": 5, "versions": {}, "split_size": "off"}'
)


@pytest.mark.parametrize("content", ["[]", _NO_OPTIONS])
def test_a_job_file_of_something_else_is_refused_unless_forced(
    three: list[Path], content: str
) -> None:
    Path("out.genre-batch").mkdir()
    Path("out.genre-batch/job.json").write_text(content)
    with pytest.raises(CatalogError, match=r"job\.json is not the file of a job"):
        _tag()
    assert _tag(force=True).rows == 9


def test_a_damaged_mark_is_named(three: list[Path]) -> None:
    _tag()
    (mark,) = Path("out.genre-batch/parts").glob("c.csv.*.json")
    mark.write_text("{}")
    with pytest.raises(CatalogError, match=r"c\.csv\..*\.json is damaged: remove it"):
        _tag()
