"""New thresholds for a model, fitted to a labeled catalog and written to a copy of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genre_batch.catalog.options import ReadingOptions
from genre_batch.cli import decision_options as cli_options
from genre_batch.errors import CatalogError, OutputExistsError, UsageError
from genre_batch.evaluation.evaluate import EvaluationJob, evaluate
from genre_batch.evaluation.tune import TUNE_METHODS, TuneJob, TuneResult, tune
from genre_batch.model.decision import Decision
from genre_batch.model.metadata import read_model_file
from genre_batch.model.tagger import GenreTagger
from genre_batch.thresholds.conditional import conditional
from genre_batch.thresholds.methods import METHODS
from support import tiny
from support.catalogs import write_wordings


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """Thirty films of two genres that the tiny model knows well; none of them is an Action film."""
    path = tmp_path / "films.csv"
    rows = [f"laugh {row},Comedy\ncry {row},Drama\nthe robot {row},Drama\n" for row in range(10)]
    path.write_text("overview,genres\n" + "".join(rows))
    return path


def _tune(catalog: Path, model: Path, output: Path, **options: Any) -> TuneResult:
    return tune(TuneJob(EvaluationJob(str(catalog), model=str(model)), str(output), **options))


def test_a_copy_carries_new_thresholds_and_operating_points(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    report = _tune(catalog, tiny_model, tmp_path / "tuned.onnx")
    old, new = (read_model_file(path).metadata for path in (tiny_model, tmp_path / "tuned.onnx"))
    assert (new.labels, new.tokenizer) == (old.labels, old.tokenizer)
    assert new.thresholds != old.thresholds
    assert list(new.operating_points) == ["f1", "balanced", "precision=0.9", "recall=0.9", "score"]
    assert new.operating_points["balanced"].thresholds == new.thresholds
    assert new.provenance["tuned"]["films"] == report.films == 30
    assert new.metrics["tuned_on"]["films"] == 30


def test_a_copy_carries_a_calibration_fitted_again_with_its_error(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    result = _tune(catalog, tiny_model, tmp_path / "tuned.onnx")
    assert 0 <= result.calibration_error.calibrated < result.calibration_error.raw
    first = read_model_file(tmp_path / "tuned.onnx").metadata.calibration
    assert len(first) == len(tiny.LABELS)
    catalog.write_text(catalog.read_text().replace("Comedy", "Drama"))
    _tune(catalog, tmp_path / "tuned.onnx", tmp_path / "again.onnx")
    again = read_model_file(tmp_path / "again.onnx").metadata.calibration
    comedy = tiny.LABELS.index("Comedy")
    assert again[comedy][1] < first[comedy][1]
    evaluation = evaluate(EvaluationJob(str(catalog), model=str(tmp_path / "again.onnx")))
    assert evaluation.calibrated_error is not None
    assert evaluation.calibrated_error < evaluation.calibration_error


def test_a_genre_that_cannot_reach_the_precision_is_off_and_listed(
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
    with_films = [label in ("Comedy", "Drama") for label in tiny.LABELS]
    assert new.thresholds[with_films].tolist() == [0.5] * 2


def test_the_conditional_method_writes_two_thresholds_where_another_genre_is_informative(
    tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "f.csv").write_text(tiny.films_by_drama())
    plain = _tune(tmp_path / "f.csv", tiny_model, tmp_path / "plain.onnx", method="f1")
    report = _tune(tmp_path / "f.csv", tiny_model, tmp_path / "tuned.onnx", method="conditional")
    assert (plain.given, report.given) == ({}, {"Comedy": "Drama"})
    assert report.scores.f1["Comedy"] == 1.0 > plain.scores.f1["Comedy"]
    one, two = (read_model_file(tmp_path / f"{name}.onnx").metadata for name in ("plain", "tuned"))
    assert two.thresholds == one.thresholds
    assert two.operating_points == one.operating_points
    assert two.provenance["tuned"]["method"] == "conditional"
    pair = two.conditional_thresholds["Comedy"]
    assert pair.present is not None
    assert pair.absent is not None
    assert pair.present < 1 / (1 + np.exp(2)) < pair.absent


def test_a_conditionally_tuned_model_tags_as_the_method_predicts(
    tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "f.csv").write_text(tiny.films_by_drama())
    _tune(tmp_path / "f.csv", tiny_model, tmp_path / "tuned.onnx", method="conditional")
    tagger = GenreTagger.load(tmp_path / "tuned.onnx")
    lines = (tmp_path / "f.csv").read_text().splitlines()[1:]
    texts = [line.split(",", 1)[0] for line in lines]
    labels = np.array([[name in line for name in tiny.LABELS] for line in lines], dtype=np.int64)
    probabilities = tagger.predict_proba(texts)
    predicted = conditional(probabilities, labels).predict(probabilities)
    for row, genres in zip(predicted, tagger.tag(texts), strict=True):
        assert set(genres or []) == {tiny.LABELS[at] for at in np.flatnonzero(row)}


def test_without_conditional_thresholds_the_file_stays_at_format_version_1(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    report = _tune(catalog, tiny_model, tmp_path / "tuned.onnx", method="conditional")
    metadata = read_model_file(tmp_path / "tuned.onnx").metadata
    assert (report.given, metadata.conditional_thresholds) == ({}, {})
    assert metadata.to_props()["genre_batch.format_version"] == "1"


def test_another_method_removes_a_model_s_conditional_thresholds(
    catalog: Path, conditional_model: Path, tiny_model: Path, tmp_path: Path
) -> None:
    for name, model in (("one", conditional_model), ("two", tiny_model)):
        _tune(catalog, model, tmp_path / f"{name}.onnx")
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_the_command_line_offers_every_method() -> None:
    assert (*METHODS, "conditional") == TUNE_METHODS == cli_options.TUNE_METHODS


def test_an_existing_output_is_kept_without_force(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "tuned.onnx"
    output.write_text("precious")
    with pytest.raises(OutputExistsError):
        _tune(catalog, tiny_model, output)
    assert output.read_text() == "precious"
    _tune(catalog, tiny_model, output, force=True)
    assert read_model_file(output).metadata.labels == tiny.LABELS


def test_the_output_may_not_be_the_catalog_or_the_split(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    for name in ("films.onnx", "split.onnx"):
        (tmp_path / name).write_bytes(catalog.read_bytes())
        options = (
            {"reading": ReadingOptions("csv")}
            if name == "films.onnx"
            else {"split": tmp_path / name, "part": "dev"}
        )
        source = tmp_path / name if name == "films.onnx" else catalog
        data = EvaluationJob(source, tiny_model, **options)
        with pytest.raises(UsageError, match=r"`output`: .* is one of the inputs"):
            tune(TuneJob(data, tmp_path / name, force=True))
        assert (tmp_path / name).read_bytes() == catalog.read_bytes()


def test_the_output_may_not_be_the_rejects(catalog: Path, tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "new.onnx"
    data = EvaluationJob(catalog, tiny_model, reading=ReadingOptions(rejects=output))
    with pytest.raises(UsageError, match="`output` and `rejects` would be one file"):
        tune(TuneJob(data, output))
    assert not output.exists()


def test_too_few_films_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("overview,genres\nlaugh,Comedy\n")
    with pytest.raises(CatalogError, match="1 film cannot be tuned on: at least 20"):
        _tune(tmp_path / "f.csv", tiny_model, tmp_path / "o.onnx")
    assert not (tmp_path / "o.onnx").exists()


@pytest.mark.parametrize(
    ("output", "options", "message"),
    [
        ("o.bin", {}, "must end with .onnx"),
        ("no/o.onnx", {}, "no such folder"),
        ("o.onnx", {"method": "guess"}, "`method` must be one of f1,.*got 'guess'"),
    ],
)
def test_invalid_options_are_a_usage_error(
    catalog: Path,
    tiny_model: Path,
    tmp_path: Path,
    output: str,
    options: dict[str, str],
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message):
        _tune(catalog, tiny_model, tmp_path / output, **options)


def _films(tmp_path: Path) -> Path:
    """Write sixty films, half of them comedies that the tiny model gets right nine times of ten."""
    path = tmp_path / "sixty.csv"
    comedies = [f"{'laugh' if row % 10 else 'the'} {row},Comedy\n" for row in range(30)]
    dramas = [f"{'cry' if row % 5 else 'laugh'} {row},Drama\n" for row in range(30)]
    path.write_text("overview,genres\n" + "".join(comedies + dramas))
    return path


def test_operating_points_of_any_target_are_found_and_stored(
    tiny_model: Path, tmp_path: Path
) -> None:
    films, output = _films(tmp_path), tmp_path / "tuned.onnx"
    targets = ("precision=.60", "cost=1:5", "Comedy:recall=1", "precision=0.9")
    result = _tune(films, tiny_model, output, operating_points=targets)
    metadata = read_model_file(output).metadata
    usual = ["f1", "balanced", "precision=0.9", "recall=0.9", "score"]
    assert list(result.points) == [*usual, "precision=0.6", "cost=1:5", "Comedy:recall=1"]
    assert set(metadata.operating_points) == set(result.points)
    points = {name: point.thresholds for name, point in metadata.operating_points.items()}
    comedy, drama = (tiny.LABELS.index(name) for name in ("Comedy", "Drama"))
    assert points["Comedy:recall=1"][drama] == metadata.thresholds[drama]
    assert (points["Comedy:recall=1"][comedy] or 1) < 1 / (1 + np.exp(2))
    again = EvaluationJob(
        str(films), model=str(output), decision=Decision(operating_point="Comedy:recall=1.0")
    )
    assert evaluate(again).genres[comedy].recall == 1.0


def test_tuning_again_keeps_the_model_s_own_targets(tiny_model: Path, tmp_path: Path) -> None:
    films = _films(tmp_path)
    _tune(films, tiny_model, tmp_path / "once.onnx", operating_points=("recall=0.75",))
    _tune(films, tmp_path / "once.onnx", tmp_path / "twice.onnx")
    points = read_model_file(tmp_path / "twice.onnx").metadata.operating_points
    assert "recall=0.75" in points
    assert "no-drama" not in points


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Comdy:precision=0.9", "no genre 'Comdy': did you mean 'Comedy'"),
        ("precision=2", "must be precision=X or recall=X"),
        ("f1", "must be precision=X or recall=X"),
    ],
)
def test_a_target_that_cannot_be_found_is_refused_before_any_film_is_read(
    tiny_model: Path, tmp_path: Path, target: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        _tune(_films(tmp_path), tiny_model, tmp_path / "t.onnx", operating_points=(target,))
    assert not (tmp_path / "t.onnx").exists()


def test_operating_points_are_a_list(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="`operating_points` must be"):
        _tune(_films(tmp_path), tiny_model, tmp_path / "t.onnx", operating_points="recall=0.5")


def _worded(path: Path, copies: int) -> Path:
    """Write twenty films whose genres the words hardly tell, each in several wordings."""
    random = np.random.default_rng(0)
    rows = ["overview,genres,film"]
    for film in range(20):
        words = " ".join(random.choice(["laugh", "cry", "fight", "the"], 3))
        genres = random.choice(["Comedy", "Drama", "Drama, Comedy"])
        rows += [f'{words},"{genres}",{film}'] * copies
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("method", ["f1", "f1-shrunk", "f1-floor", "fixed-0.5"])
def test_repeated_wordings_change_no_threshold_and_no_figure(
    tiny_model: Path, tmp_path: Path, method: str
) -> None:
    results, files = [], []
    for copies in (1, 3):
        catalog = _worded(tmp_path / f"{copies}.csv", copies)
        job = EvaluationJob(str(catalog), model=str(tiny_model), group="film")
        output = tmp_path / f"{copies}.onnx"
        results.append(tune(TuneJob(job, str(output), method)))
        files.append(read_model_file(output).metadata)
    once, thrice = results
    assert (thrice.films, thrice.distinct_films) == (60, 20)
    assert once.points.keys() == thrice.points.keys()
    for name in ("f1", "precision=0.9", "recall=0.9"):
        assert thrice.points[name].precision == pytest.approx(once.points[name].precision)
        assert thrice.points[name].recall == pytest.approx(once.points[name].recall)
    assert files[1].thresholds == pytest.approx(files[0].thresholds)
    intervals = [result.scores.macro_f1_interval for result in results]
    assert intervals[1] == pytest.approx(intervals[0])
    tuned = files[1].provenance["tuned"]
    assert (tuned["films"], tuned["distinct_films"]) == (60, 20)


def test_ungrouped_copies_make_the_figures_optimistic(tiny_model: Path, tmp_path: Path) -> None:
    catalog = _worded(tmp_path / "films.csv", 3)
    plain, grouped = (
        tune(
            TuneJob(
                EvaluationJob(str(catalog), model=str(tiny_model), group=group),
                str(tmp_path / f"{group}.onnx"),
            )
        )
        for group in (None, "film")
    )
    assert plain.calibration_error.calibrated < grouped.calibration_error.calibrated


def test_wordings_of_too_few_films_are_too_few(tiny_model: Path, tmp_path: Path) -> None:
    catalog = tmp_path / "films.csv"
    rows = [f"laugh {row},Comedy,{row % 19}" for row in range(57)]
    catalog.write_text("overview,genres,film\n" + "\n".join(rows) + "\n")
    job = EvaluationJob(str(catalog), model=str(tiny_model), group="film")
    with pytest.raises(CatalogError, match="19 films cannot be tuned on: at least 20 are needed"):
        tune(TuneJob(job, str(tmp_path / "tuned.onnx")))
    assert not (tmp_path / "tuned.onnx").exists()


def test_a_wording_without_genres_is_tuned_on_with_those_of_its_film(
    tiny_model: Path, tmp_path: Path
) -> None:
    catalog = write_wordings(tmp_path / "films.csv")
    job = EvaluationJob(str(catalog), model=str(tiny_model), group="film")
    assert tune(TuneJob(job, str(tmp_path / "tuned.onnx"), "conditional")).films == 40
