"""A model's thresholds, found anew on a labelled catalog, in a copy of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tiny
from genre_batch.errors import CatalogError, OutputExistsError, UsageError
from genre_batch.evaluation.evaluate import EvaluationJob
from genre_batch.evaluation.tune import TuneJob, TuneReport, tune
from genre_batch.model.metadata import read_model_file
from genre_batch.model.tagger import GenreTagger


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Thirty films of which the tiny model knows two genres well; nothing is an Action film."""
    path = tmp_path / "films.csv"
    rows = [f"laugh {row},Comedy\ncry {row},Drama\nthe robot {row},Drama\n" for row in range(10)]
    path.write_text("overview,genres\n" + "".join(rows))
    return path


def _tune(catalog: Path, model: Path, output: Path, **options: Any) -> TuneReport:
    return tune(TuneJob(EvaluationJob(str(catalog), model=str(model)), str(output), **options))


def test_a_copy_carries_new_thresholds_and_operating_points(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    report = _tune(catalog, tiny_model, tmp_path / "tuned.onnx")
    old, new = (read_model_file(path).metadata for path in (tiny_model, tmp_path / "tuned.onnx"))
    assert (new.labels, new.tokenizer) == (old.labels, old.tokenizer)
    assert new.thresholds != old.thresholds
    assert list(new.operating_points) == ["f1", "balanced", "precision=0.9", "recall=0.9", "score"]
    assert new.operating_points["f1"].thresholds == new.thresholds
    assert new.provenance["tuned"]["films"] == report.films == 30
    assert new.metrics["tuned_on"]["films"] == 30


def test_a_genre_that_cannot_be_so_precise_is_off_and_told(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    report = _tune(catalog, tiny_model, tmp_path / "tuned.onnx")
    assert "Action" in report.off["precision=0.9"]
    point = read_model_file(tmp_path / "tuned.onnx").metadata.operating_points["precision=0.9"]
    assert point.thresholds[tiny.LABELS.index("Action")] is None
    assert 0 <= point.precision <= 1


def test_probabilities_stay_as_they_were(catalog: Path, tiny_model: Path, tmp_path: Path) -> None:
    _tune(catalog, tiny_model, tmp_path / "tuned.onnx", method="fixed-0.5")
    texts = ["laugh", "cry robot"]
    old, new = (GenreTagger.load(path) for path in (tiny_model, tmp_path / "tuned.onnx"))
    assert (old.predict_proba(texts) == new.predict_proba(texts)).all()
    assert new.thresholds.tolist() == [0.5] * 4


def test_an_output_that_is_there_is_kept_unless_forced(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "tuned.onnx"
    output.write_text("precious")
    with pytest.raises(OutputExistsError):
        _tune(catalog, tiny_model, output)
    assert output.read_text() == "precious"
    _tune(catalog, tiny_model, output, force=True)
    assert read_model_file(output).metadata.labels == tiny.LABELS


def test_too_few_films_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("overview,genres\nlaugh,Comedy\n")
    with pytest.raises(CatalogError, match="1 films are too few to tune on: at least 20"):
        _tune(tmp_path / "f.csv", tiny_model, tmp_path / "o.onnx")
    assert not (tmp_path / "o.onnx").exists()


@pytest.mark.parametrize(
    ("output", "options", "said"),
    [
        ("o.bin", {}, "ends with .onnx"),
        ("no/o.onnx", {}, "no such folder"),
        ("o.onnx", {"method": "guess"}, "--method guess: known are f1,"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(
    catalog: Path, tiny_model: Path, tmp_path: Path, output: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        _tune(catalog, tiny_model, tmp_path / output, **options)
