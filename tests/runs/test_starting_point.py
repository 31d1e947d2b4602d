"""What a run starts from: a finished run or an exported model, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from genre_batch.errors import GenreBatchError
from genre_batch.runs.starting_point import NOT_INHERITED, read_starting_point

pytestmark = pytest.mark.training


def test_a_run_gives_its_genres_films_and_options(run: Path) -> None:
    start = read_starting_point(run)
    assert start.labels == ("Action", "Comedy", "Horror", "Romance")
    assert (start.options["epochs"], start.options["with_title"]) == (12, True)
    assert not start.options.keys() & NOT_INHERITED
    assert start.record["model"] == run.name
    assert start.films.knows_held_out


def test_an_exported_model_gives_the_same_but_for_what_was_held_out(
    run: Path, exported: dict[str, Path]
) -> None:
    of_run, of_model = read_starting_point(run), read_starting_point(exported["fp32"])
    assert of_model.labels == of_run.labels
    assert of_model.options.items() >= {"epochs": 12, "with_title": True}.items()
    assert of_model.films.keys["train"].tolist() == of_run.films.keys["train"].tolist()
    assert not of_model.films.knows_held_out


def test_a_lost_recipe_leaves_the_options_of_the_provenance(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "recipe.toml").unlink()
    options = read_starting_point(tmp_path / "run").options
    assert options.items() >= {"epochs": 12, "with_title": True, "max_length": 32}.items()


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        (["Action", "Comedy", "Horror", "Romance"], {0: 0, 1: 1, 2: 2, 3: 3}),
        (["Romance", "Western", "Action"], {0: 3, 2: 0}),
        (["action", "Western"], {0: 0}),
        (["Action", "action"], {0: 0}),
        (["HORROR ", "Horror"], {1: 2}),
        (["\uff23omedy"], {0: 1}),
        (["Western"], {}),
    ],
)
def test_rows_of_the_head_are_found_by_name(
    run: Path, names: list[str], rows: dict[int, int]
) -> None:
    assert read_starting_point(run).head_rows(names) == rows


@pytest.mark.parametrize("missing", ["model.safetensors", "metrics.json", "thresholds.json"])
def test_an_unfinished_run_is_an_error(run: Path, tmp_path: Path, missing: str) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / missing).unlink()
    with pytest.raises(GenreBatchError, match=rf"not a finished run \({missing} is missing\)"):
        read_starting_point(tmp_path / "run")


@pytest.mark.parametrize("damaged", ["model.safetensors", "splits.parquet", "tokenizer.json"])
def test_a_damaged_run_is_an_error(run: Path, tmp_path: Path, damaged: str) -> None:
    shutil.copytree(run, tmp_path / "run")
    content = (tmp_path / "run" / damaged).read_bytes()
    (tmp_path / "run" / damaged).write_bytes(content[: len(content) // 2])
    with pytest.raises(GenreBatchError, match=f"{damaged} is missing or damaged: .* --resume"):
        read_starting_point(tmp_path / "run")


def test_what_is_neither_a_run_nor_a_model_is_an_error(tmp_path: Path, base_model: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    for path, message in (
        (tmp_path / "nowhere", "`init_from`: no such folder"),
        (tmp_path, r"is not a run folder \(splits\.parquet is missing\): train a model first"),
        (base_model, "start from an encoder with `base_model`"),
        (tmp_path / "none.onnx", "no such model"),
        (tmp_path / "model.onnx", "is not an ONNX file"),
    ):
        with pytest.raises(GenreBatchError, match=message):
            read_starting_point(path)
