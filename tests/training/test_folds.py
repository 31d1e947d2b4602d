"""Teachers that each left out a fold of the films, and speak about that fold alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.cli.main import cli
from genre_batch.errors import TrainingError
from genre_batch.training.base_model import load_checkpoint
from genre_batch.training.dataset import Dataset
from genre_batch.training.folds import Fold
from genre_batch.training.options import FineTuneOptions
from genre_batch.training.prediction import predict
from genre_batch.training.recombine import recombined
from genre_batch.training.run import TrainJob, TrainReport, train
from genre_batch.training.run_folder import RunFolder
from genre_batch.training.teacher import folds_of, teach

# The Trainer warns of two checkpoints written within a second.
pytestmark = pytest.mark.filterwarnings("ignore:mtime may not be reliable:UserWarning")

MakeJob = Callable[..., TrainJob]


def _quiet(done: int, total: int, what: str) -> None:
    pass


def _left_out(run: Path, fold: Fold | None) -> Path:
    """A run that says that it left out a fold, or none."""
    folder = RunFolder(run)
    folder.path.mkdir()
    folder.write_json(folder.provenance, {"left_out": str(fold) if fold else None})
    return run


@pytest.fixture(scope="module")
def reports(
    job: MakeJob, options: FineTuneOptions, tmp_path_factory: pytest.TempPathFactory
) -> list[TrainReport]:
    """Of two runs, each of which left out another half of the training films."""
    folder = tmp_path_factory.mktemp("halves")
    short = replace(options, epochs=1)
    return [
        train(job(folder / str(number), options=short, leave_out=Fold(number, 2)))
        for number in (1, 2)
    ]


@pytest.fixture(scope="module")
def halves(reports: list[TrainReport]) -> list[Path]:
    """Their folders."""
    return [report.folder for report in reports]


@given(st.integers(2, 20), st.lists(st.integers(0, 2**64 - 1)))
def test_every_film_is_in_one_fold(of: int, keys: list[int]) -> None:
    of_all = np.array(keys, dtype=np.uint64)
    held = [Fold(number, of).holds(of_all) for number in range(1, of + 1)]
    np.testing.assert_array_equal(np.sum(held, axis=0), np.ones(len(keys)))


def test_a_fold_is_written_as_it_is_read() -> None:
    assert str(Fold.parse("2/3")) == "2/3"
    assert Fold.parse("2/3") == Fold(2, 3)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1/1", "1", "a/b", "1/3/5", "-1/3", "1 / 3"])
def test_what_is_no_fold_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=text.replace("/", ".")):
        Fold.parse(text)
    result = CliRunner().invoke(cli, ["train", "films.csv", "-o", "run", "--leave-out", text])
    assert result.exit_code == 2
    assert "--leave-out" in result.stderr


def test_a_run_learns_from_the_other_folds(reports: list[TrainReport], films: Dataset) -> None:
    keys = films.part("train").keys
    for number, report in enumerate(reports, 1):
        fold = Fold(number, 2)
        assert report.films["train"] == (~fold.holds(keys)).sum() > 0
        folder = RunFolder(report.folder)
        assert folder.read_json(folder.provenance)["left_out"] == str(fold)


def test_each_film_is_taught_by_who_has_not_learnt_from_it(
    halves: list[Path], films: Dataset
) -> None:
    few = films.part("train").take(range(30))
    targets = teach(halves, few, _quiet)
    for number, half in enumerate(halves, 1):
        rows = np.flatnonzero(Fold(number, 2).holds(few.keys))
        assert len(rows)
        expected = predict(*load_checkpoint(half), [few.texts[row] for row in rows], 32)
        np.testing.assert_allclose(targets[0][rows], expected, atol=0.02)  # bfloat16


def test_who_learnt_from_all_has_a_say_in_all(
    halves: list[Path], run: Path, films: Dataset, tmp_path: Path
) -> None:
    whole = Path(shutil.copytree(run, tmp_path / "run"))  # in which answers may be kept
    few = films.part("train").take(range(30))
    apart = [teach(teachers, few, _quiet) for teachers in (halves, [whole])]
    together = teach([*halves, whole], few, _quiet)
    np.testing.assert_allclose(together, np.mean(apart, axis=0), atol=1e-6)


def test_a_student_learns_from_them(job: MakeJob, halves: list[Path], tmp_path: Path) -> None:
    whole = job(tmp_path / "student")
    taught = replace(whole.options, epochs=1, recombined=0.5)
    report = train(replace(whole, teachers=tuple(halves), options=taught))
    folder = RunFolder(report.folder)
    told = folder.read_json(folder.provenance)["teachers"]
    assert [teacher["left_out"] for teacher in told] == ["1/2", "2/2"]


def test_texts_are_put_together_from_films_of_one_fold(films: Dataset) -> None:
    few = films.take(range(40))
    bare = replace(few, bare_texts=[f"film{at}." for at in range(40)])
    made = recombined(bare, 200, 0.0, seed=0, folds=3)
    folds = (few.keys % np.uint64(3)).tolist()
    for text, key in zip(made.texts, made.keys.tolist(), strict=True):
        of = {folds[int(name.removeprefix("film").removesuffix("."))] for name in text.split(" ")}
        assert of == {key % 3}


def test_a_fold_that_nobody_may_speak_about_is_named(tmp_path: Path) -> None:
    first, third = (_left_out(tmp_path / str(number), Fold(number, 3)) for number in (1, 3))
    with pytest.raises(TrainingError, match=r"fold 2/3: .* --leave-out 2/3"):
        folds_of([first, third])
    assert folds_of([first, third, _left_out(tmp_path / "all", None)]) == 3
    assert folds_of([tmp_path / "all"]) == 1
    assert folds_of([]) == 1


def test_folds_of_two_sizes_are_refused(tmp_path: Path) -> None:
    teachers = [_left_out(tmp_path / str(of), Fold(1, of)) for of in (2, 3)]
    with pytest.raises(TrainingError, match=r"one of 2 folds, .* one of 3"):
        folds_of(teachers)


def test_a_fold_that_is_all_there_is_cannot_be_left_out(
    job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fold, "holds", lambda self, keys: np.ones(len(keys), dtype=bool))
    with pytest.raises(TrainingError, match="without fold 1/2 there are no films to learn from"):
        train(job(tmp_path / "run", leave_out=Fold(1, 2)))
    assert not (tmp_path / "run").exists()
