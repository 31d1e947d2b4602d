"""Promise: a rerun predicts no text twice and writes the bytes of an uninterrupted run."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from genre_batch import (
    CatalogError,
    ColumnError,
    OutputExistsError,
    TagSummary,
    UsageError,
    tag_catalog,
)
from genre_batch.catalog.writing.text import DelimitedEncoder
from genre_batch.tagging.job import tag_job
from genre_batch.tagging.run import run
from support import tiny

pytestmark = pytest.mark.usefixtures("default_model")

FULL_DISK = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    path.write_text(tiny.films(300))
    return path


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _fails_at_writing(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, run: Callable[[], object]
) -> None:
    """Do a run that predicts every row and fails when it writes them."""

    def fail(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(DelimitedEncoder, "finish", fail)
        with pytest.raises((CatalogError, type(error))) as raised:
            run()
    assert raised.value.__notes__ == ["predictions are kept: run the same command again to resume"]


@pytest.mark.parametrize(
    "error",
    [
        FULL_DISK,
        OSError(errno.EIO, "Input/output error"),
        KeyboardInterrupt(),
    ],
    ids=["full", "broken", "stopped"],
)
def test_after_a_failure_the_same_run_predicts_nothing_again(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    output = tmp_path / "out" / "o.csv"
    output.parent.mkdir()
    _fails_at_writing(monkeypatch, error, lambda: tag_catalog(catalog, output))
    assert _names(output.parent) == [".o.csv.genre-batch"]
    summary = tag_catalog(catalog, output)
    assert (summary.texts_predicted, summary.texts_from_cache) == (0, 300)
    assert _names(output.parent) == ["o.csv"]
    tag_catalog(catalog, tmp_path / "straight.csv")
    assert output.read_bytes() == (tmp_path / "straight.csv").read_bytes()


def test_after_an_error_in_the_input_the_note_says_to_fix_it_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(tiny.films(300))
    (tmp_path / "b.csv").write_text("id,overview\0\n1,laugh\n")
    output = tmp_path / "o.jsonl"
    sources = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with pytest.raises(CatalogError, match="not a text file") as raised:
        tag_catalog(sources, output)
    assert raised.value.__notes__ == [
        "predictions are kept: after fixing that, run the same command again to resume"
    ]
    (tmp_path / "b.csv").write_text("id,overview\n1,laugh\n")
    assert tag_catalog(sources, output).texts_predicted == 1
    assert _names(tmp_path) == ["a.csv", "b.csv", "o.jsonl"]


def test_other_options_and_other_rows_may_follow_an_interruption(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "o.csv"
    _fails_at_writing(monkeypatch, FULL_DISK, lambda: tag_catalog(catalog, output))
    catalog.write_text(tiny.films(310).replace("film 7\n", "film seven\n"))
    summary = tag_catalog(catalog, output, threshold=0.9, probabilities=True)
    assert (summary.texts_predicted, summary.texts_from_cache) == (11, 299)


def test_no_resume_deletes_earlier_predictions(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "o.csv"
    _fails_at_writing(monkeypatch, FULL_DISK, lambda: tag_catalog(catalog, output))
    assert tag_catalog(catalog, output, resume=False).texts_predicted == 300


def test_a_usage_error_in_between_does_not_lose_predictions(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "o.csv"
    _fails_at_writing(monkeypatch, FULL_DISK, lambda: tag_catalog(catalog, output))
    with pytest.raises(UsageError):
        tag_catalog(catalog, output, model="none.onnx")
    assert tag_catalog(catalog, output).texts_predicted == 0


def test_a_damaged_store_is_replaced(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "o.csv"
    _fails_at_writing(monkeypatch, FULL_DISK, lambda: tag_catalog(catalog, output))
    store = tmp_path / ".o.csv.genre-batch" / "store"
    (store / "data.mdb").write_bytes(b"nonsense" * 4096)
    assert tag_catalog(catalog, output).texts_predicted == 300
    assert _names(tmp_path) == ["films.csv", "o.csv"]


def test_without_a_store_on_disk_the_run_continues_in_memory(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENODEV, "No such device")

    monkeypatch.setattr("genre_batch.tagging.probability_store.lmdb.open", refuse)
    assert tag_catalog(catalog, tmp_path / "o.csv").rows == 300
    with pytest.raises(CatalogError, match="cannot store predictions"):
        tag_catalog(catalog, tmp_path / "p.csv", cache=str(tmp_path / "cache"))


def test_a_folder_of_outputs_is_created_only_when_there_is_something_to_write(
    catalog: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        tag_catalog(catalog, f"{tmp_path}/out/", model="none.onnx")
    assert _names(tmp_path) == ["films.csv"]


def test_a_full_disk_under_the_store_is_one_clear_error(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise FULL_DISK

    monkeypatch.setattr("genre_batch.tagging.probability_store.LmdbStore._write", full)
    with pytest.raises(CatalogError, match=r"cannot store predictions in .*: No space left"):
        tag_catalog(catalog, tmp_path / "o.csv")
    assert _names(tmp_path) == ["films.csv"]


def test_duplicates_are_predicted_once(tmp_path: Path) -> None:
    source = tmp_path / "films.csv"
    rows = [f"{row},laugh {row % 7}\n" for row in range(70_000)]
    source.write_text("id,overview\n" + "".join(rows))
    assert tag_catalog(source, tmp_path / "o.parquet").texts_predicted == 7


def test_a_cache_is_shared_between_outputs_and_runs(catalog: Path, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    first = tag_catalog(catalog, tmp_path / "a.csv", cache=cache)
    assert (first.texts_predicted, first.texts_from_cache) == (300, 0)
    again = tag_catalog(catalog, tmp_path / "b.parquet", cache=cache, probabilities=True)
    assert (again.texts_predicted, again.texts_from_cache) == (0, 300)
    catalog.write_text(tiny.films(300).replace("film 7\n", "film seven\n"))
    changed = tag_catalog(catalog, tmp_path / "c.csv", cache=cache)
    assert (changed.texts_predicted, changed.texts_from_cache) == (1, 299)
    assert _names(tmp_path) == ["a.csv", "b.parquet", "c.csv", "cache", "films.csv"]


def test_an_error_before_any_prediction_has_no_note(catalog: Path, tmp_path: Path) -> None:
    with pytest.raises(ColumnError) as raised:
        tag_catalog(catalog, tmp_path / "o.csv", cache=str(tmp_path / "cache"), text_column="plot")
    assert not hasattr(raised.value, "__notes__")


def test_another_model_finds_nothing_in_the_cache(
    catalog: Path, tmp_path: Path, tiny_model: Path
) -> None:
    cache = str(tmp_path / "cache")
    tag_catalog(catalog, tmp_path / "a.csv", cache=cache)
    other = tmp_path / "other.onnx"
    tiny.write_twin(other, tiny_model)
    assert tag_catalog(catalog, tmp_path / "b.csv", cache=cache, model=str(other)).texts_predicted


def test_a_cached_probability_is_the_computed_one_bit_for_bit(
    catalog: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"cache": str(tmp_path / "cache"), "probabilities": True}
    for name in ("a.parquet", "b.parquet"):
        tag_catalog(catalog, tmp_path / name, **options)
    tag_catalog(catalog, tmp_path / "c.parquet", probabilities=True)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "c.parquet").read_bytes()


def test_rejects_appear_together_with_the_output(
    catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.write_text(tiny.films(20) + "1,2,3\n" + "4,laugh\n")
    output = tmp_path / "o.csv"
    _fails_at_writing(monkeypatch, FULL_DISK, lambda: tag_catalog(catalog, output))
    assert _names(tmp_path) == [".o.csv.genre-batch", "films.csv"]
    summary = tag_catalog(catalog, output)
    assert (summary.rows, summary.rows_rejected) == (21, 1)
    assert summary.rejects == (str(output) + ".rejects.jsonl",)
    assert "line 22" in str(summary.first_reject)
    assert _names(tmp_path) == ["films.csv", "o.csv", "o.csv.rejects.jsonl"]
    catalog.write_text(tiny.films(20))
    with pytest.raises(OutputExistsError):
        tag_catalog(catalog, output)
    tag_catalog(catalog, output, force=True)
    assert _names(tmp_path) == ["films.csv", "o.csv"]


def test_rejects_of_another_run_are_not_overwritten(catalog: Path, tmp_path: Path) -> None:
    (tmp_path / "o.csv.rejects.jsonl").write_text("precious")
    with pytest.raises(OutputExistsError, match=r"rejects\.jsonl exists"):
        tag_catalog(catalog, tmp_path / "o.csv")
    assert _names(tmp_path) == ["films.csv", "o.csv.rejects.jsonl"]


def test_rows_with_too_few_fields_are_counted(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,overview\n1\n2,laugh\n3\n")
    assert tag_catalog(tmp_path / "f.csv", tmp_path / "o.csv").rows_padded == 2


def test_a_folder_gets_one_output_per_input(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.csv").write_text("id,overview\n1,laugh\n")
    (tmp_path / "in" / "deep" / "b.jsonl").write_text('{"plot":"cry"}\noops\n')
    summary = tag_catalog(tmp_path / "in", f"{tmp_path}/out/")
    out = tmp_path / "out"
    assert (out / "a.csv").read_text() == "id,overview,predicted_genres\n1,laugh,Comedy\n"
    assert (out / "deep" / "b.jsonl").read_text() == '{"plot":"cry","predicted_genres":["Drama"]}\n'
    assert summary.rejects == (f"{out}.genre-batch/rejects/deep/b.jsonl.rejects.jsonl",)
    assert (summary.rows, summary.rows_rejected) == (2, 1)
    assert _names(tmp_path) == ["in", "out", "out.genre-batch"]


def test_a_folder_of_outputs_in_another_format(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(b"")
    (tmp_path / "b.csv").write_text("id,overview\n1,laugh\n")
    tag_catalog(tmp_path / "b.csv", f"{tmp_path}/out/", output_format="parquet")
    assert _names(tmp_path / "out") == ["_SUCCESS", "b.parquet"]
    assert isinstance(pl.read_parquet(tmp_path / "out" / "b.parquet"), pl.DataFrame)


def test_an_interrupted_folder_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(tiny.films(20).replace("film", name))
    calls: list[object] = []

    def fail_the_second_time(*_: object) -> None:
        calls.append(_)
        if len(calls) == 2:
            raise FULL_DISK

    def run() -> TagSummary:
        return tag_catalog(tmp_path / "in", f"{tmp_path}/out/")

    with monkeypatch.context() as patched:
        patched.setattr(DelimitedEncoder, "finish", fail_the_second_time)
        with pytest.raises(CatalogError, match=r"cannot write .*b\.csv: No space left") as raised:
            run()
    assert raised.value.__notes__ == [
        "1 of 2 parts are done and predictions are kept: run the same command again to resume"
    ]
    assert _names(tmp_path / "out") == ["a.csv"]
    summary = run()
    assert (summary.texts_predicted, summary.texts_from_cache) == (20, 20)
    assert (summary.parts, summary.parts_done_before, summary.rows) == (2, 1, 40)
    assert _names(tmp_path / "out") == ["_SUCCESS", "a.csv", "b.csv"]
    assert _names(tmp_path / "out.genre-batch") == ["job.json", "parts"]


def test_a_limit_counts_over_all_inputs(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(tiny.films(10))
    sources = [tmp_path / "a.csv", tmp_path / "b.csv"]
    assert tag_catalog(sources, tmp_path / "o.csv", limit=13).rows == 13
    ids = pl.read_csv(tmp_path / "o.csv")["id"].to_list()
    assert ids == [*range(10), *range(3)]


def test_each_input_has_its_own_columns_when_rows_become_objects(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("overview\nlaugh\n")
    (tmp_path / "b.csv").write_text("n,Plot\n1,cry\n")
    tag_catalog([tmp_path / "a.csv", tmp_path / "b.csv"], tmp_path / "o.jsonl")
    assert (tmp_path / "o.jsonl").read_text().splitlines() == [
        '{"overview":"laugh","predicted_genres":["Comedy"]}',
        '{"n":"1","Plot":"cry","predicted_genres":["Drama"]}',
    ]


def test_an_output_among_several_inputs_is_refused(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(tiny.films(1))
    with pytest.raises(UsageError, match="is one of the inputs"):
        tag_catalog(tmp_path, tmp_path / "a.csv", force=True)


def test_the_store_contains_no_text(catalog: Path, tmp_path: Path) -> None:
    tag_catalog(catalog, tmp_path / "o.csv", cache=str(tmp_path / "cache"))
    content = io.BytesIO((tmp_path / "cache" / "data.mdb").read_bytes()).read()
    assert b"laugh" not in content


def test_a_summary_or_page_that_fails_costs_no_prediction(catalog: Path, tmp_path: Path) -> None:
    job = tag_job(sources=(catalog,), output=tmp_path / "o.csv", summary_json=tmp_path / "s.json")

    def fail(summary: TagSummary) -> None:
        raise CatalogError(f"no room for a page of {summary.rows} rows")

    with pytest.raises(CatalogError, match="no room for a page") as raised:
        run(job, finish=fail)
    assert "run the same command again to resume" in raised.value.__notes__[0]
    summaries: list[TagSummary] = []
    assert run(job, finish=summaries.append) == summaries[0]
    assert summaries[0].texts_predicted == 0
    assert [path.name for path in tmp_path.glob(".*")] == []
