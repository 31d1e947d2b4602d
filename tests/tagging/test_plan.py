"""tagging/plan.py: every path that a run writes is checked before any work is done."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from genre_batch import OutputExistsError, UsageError, tag_catalog
from genre_batch.catalog.options import WritingOptions
from genre_batch.tagging.job import TagJob
from genre_batch.tagging.plan import plan_outputs

REJECT = json.dumps({"file": "in.csv", "line": 2, "byte_offset": 9, "reason": "r", "raw": ""})


@pytest.fixture(autouse=True)
def _place(working_folder: Path, default_model: Path) -> None:
    Path("in.csv").write_text("id,overview\n1,laugh\n")
    Path("two.csv").write_text("id,overview\n2,cry\n")
    Path("model.onnx").write_bytes(default_model.read_bytes())
    os.link("in.csv", "hard.csv")
    Path("link.csv").symlink_to("in.csv")


def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("`rejects`: in.csv is one of the inputs", {"rejects": "in.csv"}),
        ("`rejects`: link.csv is one of the inputs", {"rejects": "link.csv"}),
        ("`rejects`: ./hard.csv is one of the inputs", {"rejects": "./hard.csv"}),
        ("`output` and `rejects` would be one file, o.csv", {"rejects": "o.csv"}),
        ("`summary_json`: in.csv is one of the inputs", {"summary_json": "in.csv"}),
        ("`output` and `summary_json` would be one file", {"summary_json": "o.csv"}),
        (
            "`rejects` and `summary_json` would be one file",
            {"rejects": "r.jsonl", "summary_json": "r.jsonl"},
        ),
        ("the rejects file of `output` and", {"summary_json": "o.csv.rejects.jsonl"}),
        (
            "`summary_json`: .*model.onnx is one of the inputs",
            {"summary_json": "model.onnx", "model": "model.onnx"},
        ),
        ("`output` and `cache` would be one file", {"cache": "o.csv"}),
        (
            "`rejects`: c/r.jsonl is in the folder of `cache`",
            {"cache": "c", "rejects": "c/r.jsonl"},
        ),
        ("no such folder: no: make it first", {"rejects": "no/r.jsonl"}),
        ("no such folder: no/such: make it first", {"summary_json": "no/such/s.json"}),
        ("`rejects`: .* is a folder", {"rejects": "."}),
        ("`summary_json`: .* is a folder", {"summary_json": "."}),
    ],
)
def test_a_path_with_two_roles_or_without_a_folder_is_refused_before_any_work(
    message: str, options: dict[str, Any]
) -> None:
    before = _files()
    if "c/r.jsonl" in options.values():
        Path("c").mkdir()
    with pytest.raises(UsageError, match=message):
        tag_catalog("in.csv", "o.csv", force=True, **options)
    assert _files() == before


def test_the_rejects_file_beside_an_output_is_not_an_input() -> None:
    Path("o.csv.rejects.jsonl").write_text('{"overview":"laugh"}\n')
    with pytest.raises(UsageError, match=r"the rejects file of `output`: .* is one of the inputs"):
        tag_catalog("o.csv.rejects.jsonl", "o.csv", force=True)


@pytest.mark.parametrize("name", ["rejects", "summary_json"])
def test_an_existing_side_output_is_kept_unless_forced(name: str) -> None:
    Path("mine").write_text("precious")
    with pytest.raises(OutputExistsError, match=f"mine exists: .* another `{name}`"):
        tag_catalog("in.csv", "o.csv", **{name: "mine"})  # type: ignore[arg-type]
    assert not Path("o.csv").exists()


@pytest.mark.parametrize(("content", "is_left"), [("notes of mine\n", True), (REJECT, False)])
def test_without_rejects_only_a_rejects_file_is_removed(content: str, is_left: bool) -> None:
    Path("r.jsonl").write_text(content)
    tag_catalog("in.csv", "o.csv", rejects="r.jsonl", force=True)
    assert Path("r.jsonl").exists() == is_left


def test_the_summary_is_written_once_the_catalog_is_complete() -> None:
    Path("s.json").write_text("old")
    Path("s.json").chmod(0o600)
    summary = tag_catalog("in.csv", "o.csv", summary_json="s.json", force=True)
    assert json.loads(Path("s.json").read_text())["rows"] == summary.rows == 1
    assert Path("s.json").stat().st_mode & 0o777 == 0o600


def test_devices_may_be_named_several_times() -> None:
    devices = {"rejects": "/dev/null", "summary_json": "/dev/null"}
    assert tag_catalog("in.csv", "/dev/null", output_format="csv", **devices).rows == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "output_format"),
    [
        (["a.csv", "a.tsv"], "parquet"),
        (["a.csv", "a.csv.gz", "a.jsonl"], "jsonl"),
        (["a.ndjson", "a.jsonl"], "csv"),
    ],
)
def test_two_inputs_with_one_output_in_a_folder_are_refused(
    names: list[str], output_format: str | None
) -> None:
    Path("d").mkdir()
    sources = tuple(f"d/{name}" for name in names)
    for source in sources:
        Path(source).write_bytes(b"")
    with pytest.raises(UsageError, match="would be one file, out/a"):
        plan_outputs(TagJob(sources, "out/", writing=WritingOptions(output_format)))
    assert not Path("out").exists()


def test_a_folder_of_outputs_may_not_be_a_file_or_go_through_one() -> None:
    with pytest.raises(UsageError, match=r"in\.csv is a file: choose a folder"):
        plan_outputs(TagJob(("two.csv",), "in.csv/"))
    Path("d/sub").mkdir(parents=True)
    Path("out").mkdir()
    Path("d/sub/a.csv").write_text("overview\n")
    Path("d/b.csv").write_text("overview\n")
    Path("out/sub").write_text("a file")
    with pytest.raises(UsageError, match="out/sub is a file"):
        plan_outputs(TagJob(("d",), "out/"))


def test_a_folder_may_not_get_its_own_inputs_as_outputs() -> None:
    Path("d").mkdir()
    Path("d/a.csv").write_text("overview\n")
    with pytest.raises(UsageError, match="is one of the inputs"):
        plan_outputs(TagJob(("d",), "d/", force=True))


@pytest.mark.parametrize("output", ["o.json", "o.json.gz"])
def test_json_lines_are_not_written_under_the_name_of_an_array(output: str) -> None:
    with pytest.raises(UsageError, match=r"name it \.jsonl, or set `output_format` to jsonl"):
        plan_outputs(TagJob(("in.csv",), output))
    assert plan_outputs(TagJob(("in.csv",), output, writing=WritingOptions("jsonl")))


@pytest.mark.parametrize(
    ("name", "output_format", "output"),
    [
        ("a.json", None, "out/a.jsonl"),
        ("a.json.gz", None, "out/a.jsonl.gz"),
        ("a.jsonl", None, "out/a.jsonl"),
        ("a.json", "csv", "out/a.csv"),
    ],
)
def test_an_array_becomes_json_lines_in_a_folder(
    name: str, output_format: str | None, output: str
) -> None:
    Path(name).write_bytes(b"[]")
    plan = plan_outputs(TagJob((name,), "out/", writing=WritingOptions(output_format)))
    assert [task.target.path for task in plan.tasks] == [output]
