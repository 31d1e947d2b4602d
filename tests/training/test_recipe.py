"""Recipes: TOML files with all options of a run, checked like the command line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from genre_batch.errors import UsageError
from genre_batch.model.metadata import read_model_file
from genre_batch.options import flat_values
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.recipe import RECIPES, read_recipe, recipe_text
from support.places import ROOT

THIRD_TEACHER: dict[str, Any] = {
    "epochs": 2,
    "freeze_layers": 4,
    "seed": 1,
    "teacher_weight": 0.4,
}
"""Its options in benchmarks/quality/rebuild.md, beside those of the recipe `teacher`."""


def test_the_default_recipe_spells_out_every_default() -> None:
    job = TrainJob("films.csv", "run")
    recipe = read_recipe("default")
    assert recipe.job("films.csv", "run") == job
    not_in_recipes = (
        *("catalog", "folder", "recipe", "resume", "encoding"),
        *("teachers", "extra_train"),
    )
    defaults = {
        name: value
        for name, value in flat_values(job).items()
        if value is not None and name not in not_in_recipes
    }
    assert recipe.values == defaults


def test_the_paper_s_recipe_is_the_paper_s() -> None:
    paper = read_recipe("paper").options
    assert (paper.optimization.epochs, paper.optimization.batch_size) == (5, 8)
    assert paper.model.pooling == "first"
    assert paper.optimization.head_multiplier == 1.0
    assert paper.optimization.rate_for(384) == paper.optimization.rate_for(768) == 5e-5


@pytest.mark.parametrize(
    ("file", "name"), [("genre-batch.onnx", "shipped"), ("genre-batch-fast.onnx", "fast")]
)
def test_a_shipped_model_was_trained_with_these_recipes(file: str, name: str) -> None:
    trained = read_model_file(ROOT / "export" / file).metadata.provenance
    # The first generation was aligned for 6 epochs; a run that goes on from others inherits that.
    shipped = read_recipe(name).job("films.csv", "run", align_epochs=6)
    teacher = read_recipe("teacher").job("films.csv", "teacher", **THIRD_TEACHER)
    [learned] = [each for each in trained["teachers"] if each["architecture"] == "MPNet"]
    for job, provenance in ((shipped, trained), (teacher, learned)):
        assert flat_values(job.options) == flat_values(TrainingOptions()) | provenance["options"]
        assert job.align_to == provenance.get("aligned_to")
        assert job.with_title
    assert teacher.base_model == learned["base_model"]
    assert trained["init_from"]
    assert shipped.thresholds == trained["thresholds"]
    assert shipped.protocol == trained["protocol"]


@pytest.mark.parametrize("name", RECIPES)
def test_changes_override_the_recipe_and_its_name_stays(name: str) -> None:
    job = read_recipe(name).job("films.csv", "run", epochs=7, with_title=False, align_to=None)
    assert job.recipe == name
    assert job.options.optimization.epochs == 7
    assert (job.with_title, job.align_to) == (False, None)


def test_a_change_that_is_not_an_option_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="no training option epoch"):
        read_recipe("default").job("films.csv", "run", epoch=7)


def test_a_job_s_recipe_file_gives_the_same_job(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    job = read_recipe("shipped").job(
        "films.csv",
        "run",
        teachers=("a", 'b "\\\n\x7fé'),
        split="split.csv",
        extra_train=("more.parquet", "c:/more.csv:0.5", "http://host:80/films.csv", "odd:2:1"),
        group="film",
        soft_labels="probabilities",
        exclude_genres="TV Movie, Drama",
        genre_column="Genres",
        delimiter=";",
        learning_rate=1e-7,
    )
    file.write_text(recipe_text(job), encoding="utf-8")
    recipe = read_recipe(file)
    assert recipe.name == "shipped"
    assert recipe.job("films.csv", "run") == job


def test_a_file_without_a_name_is_named_after_itself(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("epochs = 2\nmasking = 0\n")
    recipe = read_recipe(file)
    assert recipe.name == "mine.toml"
    assert recipe.options == TrainingOptions().changed(epochs=2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("papr", r"^unknown recipe 'papr': did you mean 'paper'\?$"),
        ("xyz", r"^unknown recipe 'xyz': choose from default, paper, teacher, shipped, fast"),
        ("no/such", "^no such recipe file: no/such$"),
        ("none.toml", r"^no such recipe file: none\.toml$"),
    ],
)
def test_an_unknown_recipe_is_a_usage_error(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_recipe(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", r"unknown key 'epoch': did you mean 'epochs'\?"),
        ("zzz = 3", "unknown key 'zzz': choose from activation, "),
        ("catalog = 'films.csv'", "unknown key 'catalog'"),
        ("[optimization]\nepochs = 3", r"unknown key 'optimization'"),
        ("epochs = '3'", r"epochs must be an integer \(1 or more\), got '3'$"),
        ("masking = 1.5", r"masking must be a number \(0 or more and below 1\), got 1\.5$"),
        ("keep = 'bset'", "keep must be one of last, best, got 'bset'$"),
        ("with_title = 1", "with_title must be true or false, got 1$"),
        ("teachers = 'a'", "teachers must be a list of strings, got 'a'$"),
        ("genre_column = 3", "genre_column must be a string, got 3$"),
        ("delimiter = 'ab'", "delimiter"),
        ("recipe = 3", "recipe must be a string, got 3$"),
        ("epochs", "is not valid TOML: "),
        ("epochs = 1\nepochs = 2", "is not valid TOML: "),
    ],
)
def test_a_bad_line_names_the_file_and_the_key(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message) as raised:
        read_recipe(file)
    assert str(raised.value).startswith(str(file))
    assert "\n" not in str(raised.value)
    assert "`" not in str(raised.value)


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "recipe.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=f"^cannot read the recipe {file}: "):
        read_recipe(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = " + "9" * 5000, "is not valid TOML"),
        ("teachers = " + "[" * 3000 + "]" * 3000, "is not valid TOML"),
        ("seed = 4294967296", r"seed must be an integer \(0 or more and at most 4294967295\)"),
    ],
    ids=["a number too long", "lists too deep", "a seed too large"],
)
def test_values_beyond_the_limits_are_usage_errors(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_recipe(file)


def test_an_empty_string_stands_for_the_default(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("split = ''\nteachers = ['']\nencoding = ''\nbase_model = ''\n", "utf-8-sig")
    assert read_recipe(file).job("films.csv", "run") == replace(
        TrainJob("films.csv", "run"), recipe="mine.toml"
    )


def test_a_folder_is_not_a_recipe(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder: name a recipe file in it"):
        read_recipe(tmp_path)
