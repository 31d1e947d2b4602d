"""Promise: `train --init-from` goes on from a run: encoder, head by name, options, films."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from genre_batch.catalog.formats import Location
from genre_batch.cli.group import _with_option_names
from genre_batch.cli.train import train as command
from genre_batch.dataset.dataset import read_dataset
from genre_batch.dataset.preview import PreviewJob, preview_catalog
from genre_batch.dataset.usable import Further
from genre_batch.errors import ColumnError, GenreBatchWarning, TrainingError, UsageError
from genre_batch.model.metadata import read_model_file
from genre_batch.model.shipped import model_path
from genre_batch.model.text_keys import TEXT_KEY_VERSION
from genre_batch.runs.films import training_keys
from genre_batch.runs.folder import RunFolder
from genre_batch.runs.starting_point import read_starting_point
from genre_batch.training.encoder.base_model import load_checkpoint, load_starting_point
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.recipe import Recipe, read_recipe, recipe_text
from genre_batch.training.run import train
from support.training import InterruptionError, interrupt_at

pytestmark = pytest.mark.training
MakeJob = Callable[..., TrainJob]


@pytest.fixture
def more(catalog: Location, tmp_path: Path) -> Path:
    """The catalog without Romance, with twenty Westerns more."""
    with Path(catalog.path).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    rows = [[title, text, genres.replace("Romance", "")] for title, text, genres in rows]
    rows = [[title, text, left] for title, text, genres in rows if (left := genres.strip(", "))]
    rows += [[f"West {n}", f"friend river town story {n}", "Western"] for n in range(20)]
    path = tmp_path / "more.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def _recipe() -> Recipe:
    return read_recipe("default")


def _state(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_checkpoint(folder)[0].state_dict())


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("source", ["run", "fp32"])
def test_encoder_and_head_start_as_they_were(
    run: Path, exported: dict[str, Path], options: TrainingOptions, source: str
) -> None:
    start = read_starting_point({"run": run, **exported}[source])
    names = ["Comedy", "Western", "Action"]
    model, _ = load_starting_point(start, names, options.model, seed=1)
    before, after = _state(run), model.state_dict()
    for name, tensor in after.items():
        expected = before[name]
        if name.startswith("classifier."):
            assert torch.allclose(tensor[[0, 2]], expected[[1, 0]], atol=1e-5)
            assert not any(torch.allclose(tensor[1], row, atol=1e-2) for row in expected)
        else:
            assert torch.allclose(tensor, expected, atol=1e-5), name
    assert model.config.id2label == dict(enumerate(names))


def test_a_run_goes_on_with_new_films_and_genres(run: Path, more: Path, tmp_path: Path) -> None:
    job = _recipe().job(more, tmp_path / "next", init_from=run, epochs=1)
    result = train(job)
    before, after = (
        read_dataset(run / "splits.parquet"),
        read_dataset(result.folder / "splits.parquet"),
    )
    assert after.names == ["Action", "Comedy", "Horror", "Western"]
    was = dict(zip(before.keys.tolist(), before.parts, strict=True))
    kept = [
        (was[key], part)
        for key, part in zip(after.keys.tolist(), after.parts, strict=True)
        if key in was
    ]
    assert kept
    assert all(old == new for old, new in kept)
    provenance = _json(result.folder / "provenance.json")
    assert provenance["base_model"] == _json(run / "provenance.json")["base_model"]
    assert provenance["init_from"]["model"] == run.name
    assert provenance["options"]["max_length"] == 32
    assert provenance["options"]["epochs"] == 1
    keys = training_keys(RunFolder(result.folder), TEXT_KEY_VERSION)
    assert np.isin(training_keys(RunFolder(run), TEXT_KEY_VERSION), keys).all()
    third = _recipe().job(more, tmp_path / "third", init_from=result.folder)
    assert read_starting_point(third.init_from).films.parts_of(before).tolist() == before.parts  # type: ignore[arg-type]


def test_an_interrupted_run_that_started_from_a_run_is_resumed_to_the_same_weights(
    run: Path, more: Path, tmp_path: Path
) -> None:
    def job(name: str, *, resume: bool = False) -> TrainJob:
        return _recipe().job(more, tmp_path / name, init_from=run, epochs=2, resume=resume)

    whole = train(job("whole")).folder
    with pytest.raises(InterruptionError):
        train(job("cut"), interrupt_at("training", -2))
    cut = train(job("cut", resume=True)).folder
    for name in ("model.safetensors", "thresholds.json", "earlier_films.parquet"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()
    with pytest.raises(TrainingError, match="`init_from` is not set here and run in the run"):
        train(_recipe().job(more, cut, base_model=str(run), epochs=2, max_length=32, resume=True))


def test_the_recipe_file_of_such_a_run_gives_the_same_job(run: Path, tmp_path: Path) -> None:
    job = _recipe().job("films.csv", "next", init_from=str(run), epochs=3, genre_column="labels")
    (tmp_path / "recipe.toml").write_text(recipe_text(job), encoding="utf-8")
    assert read_recipe(tmp_path / "recipe.toml").job("films.csv", "next") == job


def test_given_options_and_recipes_come_before_those_of_the_run(run: Path) -> None:
    paper = read_recipe("paper").job("films.csv", "next", init_from=run, epochs=2, with_title=False)
    assert paper.options.optimization.epochs == 2
    assert paper.options.optimization.batch_size == 8
    assert paper.options.model.max_length == 512
    assert not paper.with_title
    assert paper.extra_train == ()


def test_what_does_not_fit_together_is_an_error(run: Path, more: Path, tmp_path: Path) -> None:
    recipe, other = _recipe(), tmp_path / "other"
    for changes, message in (
        ({"base_model": "minilm"}, "`init_from` and `base_model` cannot be used together"),
        ({"align_to": "minilm"}, "`init_from` and `align_to` cannot be used together"),
    ):
        with pytest.raises(UsageError, match=message):
            recipe.job(more, other, init_from=run, **changes)
    with pytest.raises(TrainingError, match="was trained with mean pooling: add `pooling` mean"):
        train(recipe.job(more, other, init_from=run, pooling="first"))
    assert not other.exists()


def test_the_error_for_a_catalog_without_titles_names_the_option_that_leaves_them_out(
    run: Path, more: Path, tmp_path: Path
) -> None:
    lines = more.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("title,")
    untitled = tmp_path / "untitled.csv"
    untitled.write_text("\n".join(["heading" + lines[0][5:], *lines[1:]]), encoding="utf-8")
    job = _recipe().job(untitled, tmp_path / "next", init_from=run, epochs=1)
    with pytest.raises(ColumnError, match="or leave titles out: `with_title` false") as error:
        train(job)
    assert _with_option_names(str(error.value), command).endswith("out: --without-title")
    bare = replace(job, with_title=False)
    assert train(bare).films


def test_genres_that_the_run_left_out_may_be_missing(
    job: MakeJob, more: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    first = train(
        job(tmp_path / "a", options=options.changed(epochs=1), exclude_genres=("Romance",))
    )
    following = _recipe().job(more, tmp_path / "b", init_from=first.folder, epochs=1)
    assert following.exclude_genres == ("Romance",)
    with pytest.warns(GenreBatchWarning, match="no genre 'Romance', which the run"):
        train(following)
    typed = replace(following, folder=tmp_path / "c", exclude_genres=("Westrn",))
    with pytest.raises(UsageError, match="unknown genre 'Westrn': did you mean 'Western'"):
        train(typed)


def test_a_shipped_model_is_started_from_by_its_name() -> None:
    start = read_starting_point("default")
    assert start.labels == read_model_file(model_path("default")).metadata.labels
    assert start.films.name == "genre-batch.onnx"
    job = _recipe().job("films.csv", "next", init_from="default")
    assert job.with_title
    # The columns of the data that it was trained on are not asked of another catalog.
    assert job.group is job.soft_labels is job.columns.text_column is None


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("name,plot,Genre", ("plot", "name", "Genre")),
        # The text and the title of the model's own columns come before others.
        ("blurb,synopsis,kinds,title,overview,genres", ("synopsis", "blurb", "genres")),
    ],
)
@pytest.mark.filterwarnings("ignore:genre-batch.onnx does not record which films its run held out")
def test_a_model_is_continued_on_a_catalog_with_other_columns(
    header: str, read: tuple[str, ...], tmp_path: Path
) -> None:
    names = header.split(",")
    path = tmp_path / "films.csv"
    rows = [[f"{name} {n}" for name in names] for n in range(20)]
    for n, row in enumerate(rows):
        row[names.index(read[2])] = "Drama" if n % 2 else "Comedy, Drama"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    start = read_starting_point("default")
    assert start.file is not None
    columns = {"text": "synopsis", "title": "blurb", "genres": "label"}
    metadata = replace(start.file.metadata, columns=columns)
    start = replace(start, file=replace(start.file, metadata=metadata))
    preview = preview_catalog(
        PreviewJob(path, with_title=True, further=start.further(Further()), earlier_run=start.films)
    )
    assert (preview.text_column, preview.title_column, preview.genre_column) == read


def test_the_head_of_a_teacher_keeps_its_rows_too(
    tiny_bert: Path, job: MakeJob, more: Path, options: TrainingOptions, tmp_path: Path
) -> None:
    first = train(job(tmp_path / "a", base_model=tiny_bert, options=options.changed(epochs=1)))
    frozen = options.changed(epochs=1, learning_rate=1e-12, head_multiplier=1.0)
    changed = job(tmp_path / "b", catalog=more, init_from=first.folder, options=frozen)
    before, after = _state(first.folder), _state(train(changed).folder)
    assert isinstance(load_checkpoint(first.folder)[0], PooledClassifier)
    assert torch.allclose(
        after["classifier.weight"][:3], before["classifier.weight"][:3], atol=1e-4
    )
