"""Two models on the same rows: paired intervals, each genre, and the rows that changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from genre_batch.errors import CatalogError, UsageError
from genre_batch.evaluation.evaluate import EvaluationJob, evaluate
from genre_batch.model.decision import Decision
from genre_batch.model.metadata import write_metadata
from support import tiny
from support.places import Command


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """A model that never predicts Drama, and calls one genre by another name."""
    props = {"thresholds": [0.5, 0.5, 1.0, 0.5], "labels": ["Action", "Comedy", "Drama", "Western"]}
    return tiny.write_model(tmp_path / "stricter.onnx", props=props)


@pytest.fixture
def job(tiny_model: Path, stricter: Path, tmp_path: Path) -> EvaluationJob:
    catalog = tmp_path / "films.csv"
    catalog.write_text("overview,genres\n,Drama\n" + "cry,Drama\nlaugh,Comedy\nfight,Action\n" * 20)
    return EvaluationJob(catalog, tiny_model, against=stricter)


def test_differences_and_changed_rows_are_those_of_the_common_genres(job: EvaluationJob) -> None:
    comparison = evaluate(job).against
    assert comparison is not None
    assert comparison.left_out == ("Science Fiction", "Western")
    macro, micro, precision = comparison.averages
    assert (macro.model, micro.model) == (1, 1)
    assert macro.against == pytest.approx(2 / 3)
    assert micro.against == pytest.approx(0.8)
    assert precision.interval == (0, 0)
    assert macro.interval[0] == pytest.approx(macro.interval[1]) == pytest.approx(1 / 3)
    assert micro.interval[0] < micro.difference < micro.interval[1]
    by_genre = {genre.name: genre.difference for genre in comparison.genres}
    assert by_genre == {"Action": 0, "Comedy": 0, "Drama": 1}
    assert [row.row for row in comparison.changed] == list(range(1, 61, 3))
    first = comparison.changed[0]
    assert (first.genres, first.model, first.against) == (("Drama",), ("Drama",), ())


def test_models_of_different_numbers_of_genres_are_compared(
    job: EvaluationJob, tmp_path: Path
) -> None:
    narrower, labels = tiny.graph(3), tiny.LABELS[:3]
    write_metadata(
        narrower, tiny.metadata(labels=labels, thresholds=(0.5,) * 3, operating_points={})
    )
    (tmp_path / "narrower.onnx").write_bytes(narrower.SerializeToString())
    comparison = evaluate(replace(job, against=tmp_path / "narrower.onnx")).against
    assert comparison is not None
    assert comparison.left_out == ("Science Fiction",)
    assert {genre.name: genre.against for genre in comparison.genres} == dict.fromkeys(labels, 1)


@pytest.mark.parametrize("decision", [Decision(top_k=1), Decision(min_k=2), Decision(top_k=2)])
def test_the_same_numbers_of_genres_are_taken_from_both_models(
    job: EvaluationJob, decision: Decision
) -> None:
    comparison = evaluate(replace(job, against=job.model, decision=decision)).against
    assert comparison is not None
    assert not comparison.changed
    assert {figure.difference for figure in comparison.averages} == {0}


def test_the_other_way_round_the_signs_are_opposite(job: EvaluationJob) -> None:
    assert job.model is not None
    one = evaluate(job).against
    other = evaluate(replace(job, model=job.against, against=job.model)).against
    assert one is not None
    assert other is not None
    for figure, opposite in zip(one.averages, other.averages, strict=True):
        assert figure.difference == pytest.approx(-opposite.difference)
        assert figure.interval == pytest.approx((-opposite.interval[1], -opposite.interval[0]))


def test_a_model_against_itself_differs_nowhere(job: EvaluationJob) -> None:
    comparison = evaluate(replace(job, against=job.model)).against
    assert comparison is not None
    assert not comparison.changed
    assert not comparison.left_out
    assert {figure.interval for figure in comparison.averages + comparison.genres} == {(0, 0)}


def test_what_cannot_be_compared_is_an_error(job: EvaluationJob, tmp_path: Path) -> None:
    others = tiny.write_model(tmp_path / "others.onnx", props={"labels": ["a", "b", "c", "d"]})
    with pytest.raises(CatalogError, match="no genre in common"):
        evaluate(replace(job, against=others))
    with pytest.raises(UsageError, match="operating point"):
        evaluate(replace(job, decision=Decision(operating_point="none")))
    with pytest.raises(UsageError, match="no such"):
        evaluate(replace(job, against=tmp_path / "none.onnx"))


def test_the_command_prints_tables_json_and_a_page(
    command: Command, job: EvaluationJob, tmp_path: Path
) -> None:
    arguments = ("evaluate", job.catalog, "--against", job.against)
    done = command(*arguments)
    assert done.returncode == 0, done.stderr
    assert b"Against" in done.stdout
    assert b"+0.333" in done.stdout
    assert b"20 films predicted differently" in done.stderr
    assert b"left out: Science Fiction, Western" in done.stderr
    page = tmp_path / "page.html"
    done = command(*arguments, "--json", "--report", page)
    comparison = json.loads(done.stdout)["against"]
    assert comparison["changed"][0] == {
        "row": 1,
        "genres": ["Drama"],
        "model": ["Drama"],
        "against": [],
    }
    assert comparison["averages"][0]["difference"] == 0.3333
    assert "Against stricter.onnx" in page.read_text(encoding="utf-8")
