"""A model's figures on a labeled catalog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest

from genre_batch.errors import CatalogError, ColumnError, GenreBatchWarning, UsageError
from genre_batch.evaluation.evaluate import Evaluation, EvaluationJob, evaluate
from genre_batch.model.decision import Decision
from genre_batch.model.metadata import write_metadata
from genre_batch.model.text_keys import text_key
from support import tiny
from support.catalogs import write_wordings

FILMS = [
    ("laugh", "Comedy", "train"),
    ("cry", "Drama", "test"),
    ("fight", "Drama", "test"),
    ("robot", "Science Fiction", "dev"),
    ("", "Drama", "test"),
    ("laugh laugh", "", "test"),
]


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    pl.DataFrame(FILMS, schema=["overview", "genres", "part"], orient="row").write_csv(path)
    return path


def _evaluate(catalog: Path, model: Path, **options: Any) -> Evaluation:
    return evaluate(EvaluationJob(str(catalog), model=str(model), **options))


def test_films_with_text_and_genre_are_scored(catalog: Path, tiny_model: Path) -> None:
    result = _evaluate(catalog, tiny_model)
    assert (result.films, result.left_out, result.part) == (4, 2, None)
    by_genre = {one.genre: one for one in result.genres}
    assert tuple(by_genre) == tiny.LABELS
    drama, action = by_genre["Drama"], by_genre["Action"]
    assert (drama.tp, drama.fp, drama.fn, drama.tn) == (1, 0, 1, 2)
    assert (action.tp, action.fp, action.recall) == (0, 1, None)
    assert result.exact_match == 0.75
    assert result.samples_f1 == 0.75
    assert result.scores.micro_f1 == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    assert json.loads(json.dumps(result.as_dict()))["scores"]["micro_f1"] == 0.75


def test_the_figures_as_json_leave_the_predictions_out(catalog: Path, tiny_model: Path) -> None:
    result = _evaluate(catalog, tiny_model)
    assert result.predictions is not None
    assert result.predictions.probabilities.shape == (4, len(tiny.LABELS))
    assert result.provenance == {"base_model": "tiny"}
    assert not {"predictions", "provenance", "decision"} & set(result.as_dict())


def test_calibration_is_measured_as_it_is_and_calibrated(catalog: Path, tmp_path: Path) -> None:
    pairs = {label: [0.5, -1.0] for label in tiny.LABELS}
    model = tiny.write_model(tmp_path / "calibrated.onnx", props={"calibration": pairs})
    raw = _evaluate(catalog, tiny.write_model(tmp_path / "raw.onnx"))
    both = _evaluate(catalog, model)
    assert both.calibration_error == raw.calibration_error
    assert raw.calibrated_error is None
    figures = both.as_dict()
    assert [row["genre"] for row in figures["calibration"]] == list(tiny.LABELS)
    errors = [row["calibrated_error"] for row in figures["calibration"]]
    assert sum(errors) / len(errors) == pytest.approx(figures["calibrated_error"], abs=1e-4)
    assert [average.name for average in both.averages][5:7] == ["calibration error", "  calibrated"]
    assert raw.as_dict()["calibrated_error"] is None
    same = _evaluate(catalog, model, decision=Decision(calibrated=True))
    assert same.scores == both.scores
    with pytest.raises(UsageError, match="`calibrated` needs a model with a calibration"):
        _evaluate(catalog, tmp_path / "raw.onnx", decision=Decision(calibrated=True))


def test_excluded_genres_are_not_scored(catalog: Path, tiny_model: Path) -> None:
    decision = Decision(exclude_genres="drama")
    result = _evaluate(catalog, tiny_model, decision=decision)
    # The films of Drama alone are left out, besides the two without text or genre.
    assert (result.films, result.left_out, result.excluded) == (2, 4, ("Drama",))
    assert [row.genre for row in result.genres] == ["Action", "Comedy", "Science Fiction"]
    assert set(result.scores.f1) == {"Action", "Comedy", "Science Fiction"}
    assert result.exact_match == 1.0
    assert result.as_dict()["excluded"] == ("Drama",)
    with pytest.raises(UsageError, match=r"unknown genre 'Darma': did you mean 'Drama'\?"):
        _evaluate(catalog, tiny_model, decision=Decision(exclude_genres="Darma"))


def test_parts_come_from_the_catalog_or_from_a_split_file(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    assert _evaluate(catalog, tiny_model, part="test").films == 2
    rows = [(0, "dev"), (3, "dev"), (1, "train")]
    split = tmp_path / "split.csv"
    pl.DataFrame(rows, schema=["row", "part"], orient="row").write_csv(split)
    result = _evaluate(catalog, tiny_model, split=str(split), part="dev")
    assert (result.films, result.exact_match) == (2, 1.0)


def test_a_split_file_of_another_catalog_is_refused(
    catalog: Path, tiny_model: Path, tmp_path: Path
) -> None:
    split = tmp_path / "split.csv"
    split.write_text(f"row,part,overview_key\n0,test,{text_key('something else'):016x}\n")
    with pytest.raises(CatalogError, match="is the split of another catalog: row 0"):
        _evaluate(catalog, tiny_model, split=str(split), part="test")


@pytest.mark.parametrize("part", ["test", "Testing", "holdout"])
def test_parts_are_read_in_the_words_of_catalogs(
    tiny_model: Path, tmp_path: Path, part: str
) -> None:
    rows = "laugh,Comedy,TEST\ncry,Drama,validation\nlaugh again,Comedy,Hold-out\n"
    (tmp_path / "f.csv").write_text(f"overview,genres,part\n{rows}")
    result = _evaluate(tmp_path / "f.csv", tiny_model, part=part)
    assert (result.films, result.part) == (2, "test")
    assert _evaluate(tmp_path / "f.csv", tiny_model, part="validation").films == 1


def test_without_parts_the_error_names_the_parameter(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("overview,genres\nlaugh,Comedy\n")
    with pytest.raises(ColumnError, match=r"no column 'part'.*`split`"):
        _evaluate(tmp_path / "f.csv", tiny_model, part="test")


def test_genres_that_training_left_out_are_left_out(tmp_path: Path) -> None:
    provenance = {"base_model": "tiny", "left_out_genres": ["Noir"]}
    model = tiny.write_model(tmp_path / "model.onnx", props={"provenance": provenance})
    catalog = tmp_path / "f.csv"
    catalog.write_text('overview,genres\nlaugh,"Comedy, Noir"\ncry,Noir\n')
    result = _evaluate(catalog, model)
    assert (result.films, result.left_out, result.ignored) == (1, 1, {"Noir": 1})
    catalog.write_text('overview,genres\nlaugh,"Comedy, Noir"\ncry,Horror\n')
    with pytest.raises(CatalogError, match=r"does not know 'Horror' \(1 film\): add"):
        _evaluate(catalog, model)


def test_genres_that_the_model_does_not_know_are_named_or_left_out(
    tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "f.csv").write_text('overview,genres\nlaugh,"Comedy, Noir"\ncry,Noir\n')
    with pytest.raises(
        CatalogError, match=r"does not know 'Noir' \(2 films\): add `ignore_unknown`"
    ):
        _evaluate(tmp_path / "f.csv", tiny_model)
    result = _evaluate(tmp_path / "f.csv", tiny_model, ignore_unknown=True)
    assert (result.films, result.ignored) == (2, {"Noir": 2})


@pytest.mark.parametrize("ignore", [False, True])
def test_a_catalog_of_which_no_genre_is_known_is_refused(
    tiny_model: Path, tmp_path: Path, ignore: bool
) -> None:
    (tmp_path / "f.csv").write_text('text,tags\nlaugh,"cs.LG, cs.AI"\ncry,stat.ML\n')
    with pytest.raises(CatalogError) as refused:
        _evaluate(tmp_path / "f.csv", tiny_model, ignore_unknown=ignore)
    message = str(refused.value)
    assert "knows none of the genres in the column 'tags', such as 'cs.LG' (1 row)" in message
    assert "it predicts Action, Comedy, Drama, Science Fiction: choose another `model`" in message


def test_films_that_were_trained_on_are_counted(tmp_path: Path) -> None:
    model = onnx.load(tiny.write_model(tmp_path / "m.onnx"))
    keys = np.array([text_key("laugh"), text_key("Cry!")], dtype=np.uint64)
    write_metadata(model, tiny.metadata(training_text_keys=keys))
    onnx.save(model, tmp_path / "m.onnx")
    (tmp_path / "f.csv").write_text("overview,genres\nLAUGH,Comedy\ncry,Drama\nrobot,Drama\n")
    assert _evaluate(tmp_path / "f.csv", tmp_path / "m.onnx").trained_on == 2


@pytest.mark.parametrize(("version", "seen"), [(1, 2), (2, 4)])
def test_films_of_any_script_are_counted_by_the_model_s_version_of_keys(
    tmp_path: Path, version: int, seen: int
) -> None:
    trained = ["laugh", "Cry!", "Смеётся сыщик", "第二部"]
    model = onnx.load(tiny.write_model(tmp_path / "m.onnx"))
    keys = np.sort(np.array([text_key(text, version) for text in trained], dtype=np.uint64))
    metadata = tiny.metadata(training_text_keys=keys, text_key_version=version)
    write_metadata(model, metadata)
    onnx.save(model, tmp_path / "m.onnx")
    others = ["плачет врач", "第三部", "!!!"]
    rows = "".join(f"{text},Drama\n" for text in [*trained, *others])
    (tmp_path / "f.csv").write_text("overview,genres\n" + rows, encoding="utf-8")
    # A key of version 1 cannot tell that a text of another script was trained on.
    assert _evaluate(tmp_path / "f.csv", tmp_path / "m.onnx").trained_on == seen


def test_a_run_s_split_may_hold_copies(tiny_model: Path, tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "overview": ["laugh", "cry", "laughing", "robot"],
            "genres": ["Comedy", "Drama", "Comedy", "Drama"],
            "source_row": [0, 1, 0, 3],
            "pivot": [None, None, "es", None],
        }
    )
    table.write_csv(tmp_path / "f.csv")
    key = f"{text_key('laugh'):016x}"
    rows = [(0, "train", key), (2, "train", key), (3, "test", f"{text_key('robot'):016x}")]
    pl.DataFrame(rows, ["row", "part", "text_key"], orient="row").write_csv(tmp_path / "s.csv")
    result = _evaluate(tmp_path / "f.csv", tiny_model, split=tmp_path / "s.csv", part="test")
    assert result.films == 1


def test_other_thresholds_give_other_decisions(catalog: Path, tiny_model: Path) -> None:
    result = _evaluate(catalog, tiny_model, decision=Decision(operating_point="no-drama"))
    drama = result.genres[2]
    assert (drama.threshold, drama.tp, drama.fp) == (None, 0, 0)


def test_conditional_thresholds_are_scored_as_they_decide(
    conditional_model: Path, tiny_model: Path, tmp_path: Path
) -> None:
    (tmp_path / "f.csv").write_text(tiny.films_by_drama())
    plain, pairs = (_evaluate(tmp_path / "f.csv", one) for one in (tiny_model, conditional_model))
    assert [(one.genres[1].tp, one.genres[1].fp) for one in (plain, pairs)] == [(10, 0), (10, 0)]
    assert (plain.genres[1].threshold, pairs.genres[1].threshold) == (0.5, None)
    # Not the same ten: those with drama, and those without.
    assert pairs.predictions is not None
    assert pairs.predictions.thresholds[:4, 1].tolist() == [0.1, 0.9, 0.9, 0.1]
    assert pairs.scores.f1["Comedy"] == pytest.approx(pairs.genres[1].f1)
    set_aside = _evaluate(tmp_path / "f.csv", conditional_model, decision=Decision(threshold=0.5))
    assert set_aside.genres == plain.genres
    with pytest.raises(UsageError, match="no operating point 'recall'"):
        _evaluate(
            tmp_path / "f.csv", conditional_model, decision=Decision(operating_point="recall")
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("overview\nlaugh\n", "`genre_column`; columns: overview"),
        ("genres\nDrama\n", "`text_column`; columns: genres"),
    ],
)
def test_a_catalog_without_labels_or_text_is_refused(
    tiny_model: Path, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "f.csv").write_text(content)
    with pytest.raises(ColumnError, match=message):
        _evaluate(tmp_path / "f.csv", tiny_model)


def test_a_part_without_a_film_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("overview,genres,part\nlaugh,Comedy,train\n,Drama,test\n")
    with pytest.raises(CatalogError, match="no row in the part 'test' has both"):
        _evaluate(tmp_path / "f.csv", tiny_model, part="test")


@pytest.mark.parametrize(
    "options",
    [{"part": "exam"}, {"split": "s.csv"}],
)
def test_invalid_options_are_a_usage_error(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        EvaluationJob("films.csv", **options)


def test_limits_on_the_number_of_genres_are_scored_as_they_decide(tmp_path: Path) -> None:
    model = tiny.write_model(tmp_path / "m.onnx")
    (tmp_path / "f.csv").write_text("overview,genres\nlaugh cry,Comedy\nthe,Action\ncry,Drama\n")
    plain, filled, first = (
        _evaluate(tmp_path / "f.csv", model, decision=decision)
        for decision in (Decision(), Decision(min_k=1), Decision(top_k=1))
    )
    assert [sum(genre.tp + genre.fp for genre in one.genres) for one in (filled, first)] == [4, 3]
    assert sum(genre.tp + genre.fp for genre in plain.genres) == 3
    assert filled.genres[0].tp == 1


WORDINGS = [
    ("laugh", "Comedy", "a"),
    ("cry", "", "a"),
    ("fight", "Drama", "b"),
    ("cry now", "Drama", "b"),
    ("robot", "Science Fiction", None),
    ("robot too", "Science Fiction", None),
]


@pytest.fixture
def wordings(tmp_path: Path) -> Path:
    path = tmp_path / "wordings.parquet"
    columns = ["overview", "genres", "film"]
    pl.DataFrame(WORDINGS, schema=columns, orient="row").write_parquet(path)
    return path


def test_wordings_of_one_film_are_scored_and_resampled_together(
    wordings: Path, tiny_model: Path
) -> None:
    plain, grouped = (_evaluate(wordings, tiny_model, group=name) for name in (None, "film"))
    assert (plain.films, plain.distinct_films, plain.left_out) == (5, None, 1)
    # The wording of "a" without genres has those of its film; rows without a film are films.
    assert (grouped.films, grouped.distinct_films, grouped.left_out) == (6, 4, 0)
    comedy = {row.genre: row for row in grouped.genres}["Comedy"]
    assert (comedy.tp + comedy.fn, comedy.films) == (2, 2)
    again = _evaluate(wordings, tiny_model, group="film", against=str(tiny_model)).against
    assert again is not None
    assert {figure.interval for figure in again.averages} == {(0.0, 0.0)}


def test_a_column_of_films_that_is_missing_is_named(wordings: Path, tiny_model: Path) -> None:
    with pytest.raises(ColumnError, match=r"no column 'fim' \(nearest: 'film'\): .* `group`"):
        _evaluate(wordings, tiny_model, group="fim")


def test_intervals_widen_if_wordings_repeat_their_film(tmp_path: Path, tiny_model: Path) -> None:
    path = tmp_path / "copies.csv"
    rows = [
        (text, genre, f"{text}{number}")
        for number in range(6)
        for text, genre in (("laugh", "Comedy"), ("cry", "Drama"), ("fight", "Drama"))
        for _ in range(5)
    ]
    pl.DataFrame(rows, schema=["overview", "genres", "film"], orient="row").write_csv(path)
    widths = []
    for group in (None, "film"):
        low, high = _evaluate(path, tiny_model, group=group).scores.micro_f1_interval
        widths.append(high - low)
    assert widths[1] > 1.5 * widths[0] > 0


def test_rows_are_reported_as_empty_only_if_their_film_has_no_genres(
    tmp_path: Path, tiny_model: Path
) -> None:
    path = write_wordings(tmp_path / "films.csv")
    assert _evaluate(path, tiny_model, group="film").films == 40
    path.write_text(path.read_text() + "".join(f"fight {row},,x{row}\n" for row in range(12)))
    with pytest.warns(GenreBatchWarning, match=r"12 rows \(23%\) have an empty cell in 'genres'"):
        assert _evaluate(path, tiny_model, group="film").left_out == 12
