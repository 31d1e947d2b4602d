"""`genre-batch train`: its help, and that its options are those of a recipe."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from genre_batch.cli.group import cli
from genre_batch.cli.train import train
from genre_batch.dataset.extra import ExtraTrain
from genre_batch.errors import UsageError
from genre_batch.options import flat_values
from genre_batch.training.options import TrainJob
from genre_batch.training.recipe import read_recipe
from genre_batch.training.run import TrainResult

NOT_IN_RECIPES = {"catalog", "folder", "recipe", "resume", "dry_run", "progress"}
ONLY_IN_RECIPES = {"head_multiplier", "warmup", "weight_decay", "attention_dropout"}
OPTIONS = {
    option.name: option
    for option in train.params
    if isinstance(option, click.Option) and option.name not in NOT_IN_RECIPES
}


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[TrainJob]:
    """Record jobs instead of running them, in a folder with an empty films.csv."""
    jobs: list[TrainJob] = []
    (tmp_path / "films.csv").touch()
    monkeypatch.chdir(tmp_path)

    def run(job: TrainJob, progress: object) -> TrainResult:
        jobs.append(job)
        raise UsageError("recorded")

    monkeypatch.setattr("genre_batch.training.run.train", run)
    monkeypatch.setattr("genre_batch.cli.train.preview_training", lambda job, dry_run: None)
    return jobs


def _job(jobs: list[TrainJob], *arguments: str) -> TrainJob:
    result = CliRunner().invoke(cli, ["train", "films.csv", "-o", "run", *arguments])
    assert isinstance(result.exception, UsageError), result.output
    (job,) = jobs
    return job


def test_the_help_shows_every_option_in_a_group_with_its_default() -> None:
    output = CliRunner().invoke(cli, ["train", "--help"]).output
    sections = [line for line in output.splitlines() if line.endswith(":") and line[0] != " "]
    assert sections == [
        *("Data:", "Model:", "Optimization:", "Distillation:", "Thresholds:", "Run:"),
    ]
    for option in OPTIONS.values():
        name, text = option.get_help_record(click.Context(train)) or ("", "")
        assert name.split()[0].strip(",") in output
        assert option.help
        assert "[default: " in text or option.name == "split"


def test_the_command_has_the_options_of_a_recipe_with_the_same_defaults() -> None:
    values = flat_values(TrainJob("", ""))
    assert set(OPTIONS) == set(values) - NOT_IN_RECIPES - ONLY_IN_RECIPES
    context = train.make_context("train", ["films.csv", "-o", "run"])
    defaults = {name: context.params[name] for name in OPTIONS}
    assert defaults == {name: values[name] for name in OPTIONS}


@pytest.mark.parametrize("name", OPTIONS)
def test_the_command_allows_what_a_recipe_allows(name: str) -> None:
    option = OPTIONS[name]
    recipe = read_recipe("default")
    if isinstance(option.type, click.Choice):
        for value in option.type.choices:
            assert flat_values(recipe.job("", "", **{name: value}))[name] == value
        with pytest.raises(UsageError, match="must be one of"):
            recipe.job("", "", **{name: "neither"})
    elif isinstance(option.type, click.IntRange | click.FloatRange):
        for end, is_open, outside in (
            (option.type.min, option.type.min_open, -1),
            (option.type.max, option.type.max_open, 1),
        ):
            if end is None:
                continue
            for value in (end, end + outside):
                if value == end and not is_open:
                    recipe.job("", "", **{name: value})
                else:
                    with pytest.raises(UsageError, match=f"`{name}` must be"):
                        recipe.job("", "", **{name: value})


def test_the_command_line_overrides_the_recipe(jobs: list[TrainJob]) -> None:
    arguments = ("--epochs", "1", "--without-title", "--align-to", "", "--teacher", "t")
    job = _job(jobs, "--recipe", "shipped", *arguments)
    expected = read_recipe("shipped").job(
        "films.csv", "run", epochs=1, with_title=False, align_to=None, teachers=("t",)
    )
    assert job == expected
    assert job.options.optimization.averaging == 0.999


def test_a_default_of_the_command_does_not_override_the_recipe(
    jobs: list[TrainJob], tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    teachers = json.dumps(["a", "b"])
    file.write_text(f"epochs = 9\nencoding = 'latin-1'\nteachers = {teachers}\n")
    job = _job(jobs, "--recipe", str(file), "--resume")
    assert job.options.optimization.epochs == 9
    assert job.reading.encoding == "iso8859-1"
    assert job.teachers == ("a", "b")
    assert job.resume


def test_an_empty_teacher_removes_those_of_the_recipe(jobs: list[TrainJob], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("teachers = ['a']\n")
    assert _job(jobs, "--recipe", str(file), "--teacher", "").teachers == ()


def test_further_catalogs_of_the_command_line_replace_those_of_the_recipe(
    jobs: list[TrainJob], tmp_path: Path
) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).touch()
    (tmp_path / "mine.toml").write_text("extra_train = ['a.csv:0.5']\n")
    job = _job(jobs, "--recipe", "mine.toml", "--extra-train", "a.csv", "--extra-train", "b.csv:2")
    assert job.extra_train == (ExtraTrain("a.csv"), ExtraTrain("b.csv", 2.0))
    jobs.clear()
    assert _job(jobs, "--recipe", "mine.toml").extra_train == (ExtraTrain("a.csv", 0.5),)
    jobs.clear()
    assert _job(jobs, "--recipe", "mine.toml", "--extra-train", "").extra_train == ()


WEIGHT_LIMITS = "--extra-train more.csv: the weight must be 0 or more and at most 1,000"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("more.csv:-1", f"{WEIGHT_LIMITS}, got -1"),
        ("more.csv:nan", f"{WEIGHT_LIMITS}, got nan"),
        ("nowhere.csv:2", "no such file: nowhere.csv"),
    ],
)
def test_a_further_catalog_that_cannot_be_used_is_an_error_before_anything_is_read(
    jobs: list[TrainJob], value: str, message: str
) -> None:
    arguments = ["train", "films.csv", "-o", "run", "--extra-train", value]
    result = CliRunner().invoke(cli, arguments)
    assert str(result.exception) == message
    assert jobs == []


def test_an_unknown_recipe_is_a_usage_error(jobs: list[TrainJob]) -> None:
    result = CliRunner().invoke(cli, ["train", "films.csv", "-o", "run", "--recipe", "papr"])
    assert str(result.exception) == "unknown recipe 'papr': did you mean 'paper'?"
    assert jobs == []


def test_a_missing_catalog_is_a_usage_error_before_torch_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from genre_batch.cli import main\n"
        "sys.argv = ['genre-batch', 'train', 'nowhere.csv', '-o', 'run']\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (2, "False\n")
    assert run.stderr == "Error: no such file: nowhere.csv\n"
