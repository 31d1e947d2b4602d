"""`train`: a labelled catalog becomes a complete run folder, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.dataset.split import PARTS
from genre_batch.errors import TrainingError, UsageError
from genre_batch.evaluation.metrics import score_predictions
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.encoder.base_model import load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.options import FineTuneOptions
from genre_batch.training.run import TrainJob, TrainResult, train
from genre_batch.training.run_folder import RunFolder

# The Trainer warns of two checkpoints written within a second.
pytestmark = pytest.mark.filterwarnings("ignore:mtime may not be reliable:UserWarning")

MakeJob = Callable[..., TrainJob]


class BrokenOffError(Exception):
    """Stands for whatever stops a run."""


@pytest.fixture(scope="module")
def short(options: FineTuneOptions) -> FineTuneOptions:
    """Two epochs: enough to break off between."""
    return replace(options, epochs=2)


@pytest.fixture(scope="module")
def unbroken(
    job: MakeJob, short: FineTuneOptions, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a short run that nothing stopped."""
    return train(job(tmp_path_factory.mktemp("unbroken"), options=short)).folder


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _told(job: TrainJob) -> set[str]:
    """What progress says is being done."""
    told = set()
    train(job, lambda done, total, what: told.add(what))
    return told


def _break_off(job: TrainJob, step: int, doing: str) -> None:
    def progress(done: int, total: int, what: str) -> None:
        if (done, what) == (step, doing):
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        train(job, progress)


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_finished_run_holds_exactly_these_files(run: Path) -> None:
    assert {path.name for path in run.iterdir()} == {
        "README.md",
        "config.json",
        "extra_train.parquet",
        "metrics.json",
        "model.safetensors",
        "provenance.json",
        "report.html",
        "special_tokens_map.json",
        "splits.parquet",
        "thresholds.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "training_log.jsonl",
        "vocab.txt",
    }


def test_the_split_has_the_promised_columns_and_every_film(run: Path, films: Dataset) -> None:
    table = pq.read_table(run / "splits.parquet")
    assert table.column_names[:5] == ["row", "group", "part", "text", "labels"]
    assert table.column("row").to_pylist() == films.rows.tolist()
    assert table.column("part").to_pylist() == films.parts
    assert table.column("text").to_pylist() == films.texts
    assert set(table.column("labels").combine_chunks().flatten().to_pylist()) == set(films.names)


def test_the_report_counts_the_films_of_every_part_and_those_dropped(
    report: TrainResult, films: Dataset
) -> None:
    expected = {part: len(films.part(part)) for part in PARTS}
    extra = len(read_dataset(report.folder / "extra_train.parquet"))
    assert report.films == expected | {"train": expected["train"] + extra}
    assert 0 < extra <= 21
    assert report.dropped == films.dropped == 2
    assert report.seconds > 0


def test_thresholds_are_tuned_on_development_and_metrics_measured_with_them(
    report: TrainResult, films: Dataset
) -> None:
    model, tokenizer = load_checkpoint(report.folder)
    development = films.part("dev")
    probabilities = predict(model, tokenizer, development.texts, max_length=32)
    expected = find_thresholds("f1", probabilities, development.labels)
    written = _json(report.folder / "thresholds.json")
    assert (written["method"], written["part"]) == ("f1", "dev")
    assert written["thresholds"] == pytest.approx(dict(zip(films.names, expected, strict=True)))
    for part in ("dev", "test"):
        held_out = films.part(part)
        for variant, texts in (
            ("title_and_overview", held_out.texts),
            ("overview", held_out.bare_texts),
        ):
            probabilities = predict(model, tokenizer, texts, max_length=32)
            scores = score_predictions(held_out.labels, probabilities, expected, films.names)
            assert report.metrics[part][variant] == scores.as_dict()
    written = _json(report.folder / "metrics.json")
    assert {part: written[part] for part in ("dev", "test")} == report.metrics


def test_a_catalog_whose_words_decide_is_learnt(report: TrainResult) -> None:
    assert report.metrics["dev"]["title_and_overview"]["macro_f1"] > 0.95
    assert report.metrics["test"]["overview"]["macro_f1"] > 0.8


def test_the_readme_warns_of_the_stock_class_only_when_it_pools_otherwise(
    run: Path, job: MakeJob, short: FineTuneOptions, tmp_path: Path
) -> None:
    warning = "its predictions are wrong"
    assert warning in (run / "README.md").read_text(encoding="utf-8")
    assert _json(run / "config.json")["pooling"] == "mean"
    first = train(job(tmp_path / "run", options=replace(short, epochs=1, pooling="first"))).folder
    assert warning not in (first / "README.md").read_text(encoding="utf-8")
    assert _json(first / "config.json")["pooling"] == "first"


def test_the_provenance_says_what_the_run_was_made_of(run: Path, films: Dataset) -> None:
    provenance = _json(run / "provenance.json")
    assert provenance["shape"] == [2, 32, 2, 64]
    assert provenance["data"][0] == {
        "file": "films.csv",
        "sha256": films.sha256,
        "films": len(films),
    }
    assert provenance["data"][1]["file"] == "extra.csv"
    assert provenance["options"]["learning_rate"] == 3e-3
    assert {"genre-batch", "torch", "transformers", "onnxruntime"} <= set(provenance["versions"])


@pytest.mark.parametrize(
    ("at", "resumed"),
    [
        pytest.param(
            (12, "training"),
            {"training", "measuring development", "measuring", "writing the report"},
        ),
        pytest.param((0, "measuring"), {"measuring", "writing the report"}),
    ],
    ids=["while training", "while measuring"],
)
def test_a_run_broken_off_and_resumed_is_the_unbroken_run(
    job: MakeJob,
    short: FineTuneOptions,
    unbroken: Path,
    tmp_path: Path,
    at: tuple[int, str],
    resumed: set[str],
) -> None:
    broken = job(tmp_path / "run", options=short)
    _break_off(broken, *at)
    assert not RunFolder(broken.folder).is_finished
    assert _told(replace(broken, resume=True)) == resumed
    one, other = _content(unbroken), _content(broken.folder)
    assert one.keys() == other.keys()
    for name in ("model.safetensors", "thresholds.json", "splits.parquet", "provenance.json"):
        assert one[name] == other[name]


def test_a_resumed_run_without_a_checkpoint_starts_again(
    job: MakeJob, short: FineTuneOptions, tmp_path: Path
) -> None:
    broken = job(tmp_path / "run", options=short)
    _break_off(broken, 2, "training")
    report = train(replace(broken, resume=True))
    assert len((report.folder / "training_log.jsonl").read_text().splitlines()) == 2


def test_resuming_a_finished_run_trains_nothing_and_reports_the_same(
    job: MakeJob, report: TrainResult, extra_catalog: Location
) -> None:
    before = _content(report.folder)
    again = job(report.folder, extra_train=extra_catalog, resume=True)
    assert _told(again) == set()
    assert train(again) == report
    assert _content(report.folder) == before


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"options": FineTuneOptions(epochs=3, max_length=32)}, "options"),
        ({"thresholds": "fixed-0.5"}, "thresholds"),
        ({"protocol": "paper"}, "protocol"),
        ({"with_title": False}, "with_title"),
        ({"recipe": "paper"}, "recipe"),
        ({"extra_train": None}, "data"),
        ({"columns": ColumnOptions(title_column="overview")}, "columns"),
    ],
)
def test_resuming_with_other_options_is_refused(
    job: MakeJob,
    run: Path,
    extra_catalog: Location,
    changes: dict[str, Any],
    named: str,
) -> None:
    before = _content(run)
    with pytest.raises(TrainingError, match=rf"begun with (another|other) {named}"):
        train(job(run, **({"extra_train": extra_catalog, "resume": True} | changes)))
    assert _content(run) == before


def test_resuming_with_another_split_file_of_the_same_name_is_refused(
    job: MakeJob, short: FineTuneOptions, films: Dataset, tmp_path: Path
) -> None:
    def split_file(folder: str, parts: list[str]) -> Location:
        path = tmp_path / folder / "split.csv"
        path.parent.mkdir()
        rows = zip(films.rows.tolist(), parts, strict=True)
        path.write_text("\n".join(["row,part", *(f"{row},{part}" for row, part in rows)]))
        return input_location(str(path))

    one = split_file("one", films.parts)
    other = split_file("other", films.parts[::-1])
    _break_off(job(tmp_path / "run", options=short, split=one), 1, "training")
    with pytest.raises(TrainingError, match="begun with other columns or another split"):
        train(job(tmp_path / "run", options=short, split=other, resume=True))


def test_a_folder_that_is_not_empty_is_refused(job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(TrainingError, match="not empty: add --resume"):
        train(job(tmp_path))
    assert _content(tmp_path) == {"notes.txt": b"mine"}


def test_a_folder_of_something_else_cannot_be_resumed(job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "training_log.jsonl").write_text("mine")
    with pytest.raises(TrainingError, match="holds no run to go on with"):
        train(job(tmp_path, resume=True))
    assert _content(tmp_path) == {"training_log.jsonl": b"mine"}


def test_a_file_in_the_folder_s_place_is_refused(job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(TrainingError, match="is a file"):
        train(job(tmp_path / "run"))


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("no/such-model", TrainingError, "--base-model minilm"),
        ("/no/such/folder", UsageError, "no such folder"),
    ],
)
def test_a_base_model_that_cannot_be_loaded_leaves_no_folder(
    job: MakeJob, tmp_path: Path, name: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        train(job(tmp_path / "run", base_model=name))
    assert not (tmp_path / "run").exists()


def test_more_tokens_than_the_base_model_reads_are_refused_before_anything_is_written(
    job: MakeJob, options: FineTuneOptions, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="reads 64 tokens at most, not 65: add --max-length 64"):
        train(job(tmp_path / "run", options=replace(options, max_length=65)))
    assert not (tmp_path / "run").exists()


def test_fixed_thresholds_are_a_half(job: MakeJob, short: FineTuneOptions, tmp_path: Path) -> None:
    folder = train(job(tmp_path / "run", options=short, thresholds="fixed-0.5")).folder
    written = _json(folder / "thresholds.json")
    assert (written["method"], set(written["thresholds"].values())) == ("fixed-0.5", {0.5})


@pytest.mark.parametrize("content", ["", "{", None])
def test_a_broken_file_of_a_run_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(TrainingError, match=r"metrics\.json is missing or broken"):
        RunFolder.read_json(tmp_path / "metrics.json")
