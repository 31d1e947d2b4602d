"""`train --dry-run` and `inspect --for train` show what would be learned, and train nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from genre_batch.cli.group import cli
from support.catalogs import overviews, write_csv


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    cells = ["Drama, War", "War", "Drama"] * 20
    rows = zip(overviews(60), cells, strict=True)
    return write_csv(tmp_path / "films.csv", ("overview", "genres"), rows).path


@pytest.mark.training
def test_a_dry_run_needs_no_output_and_writes_nothing(catalog: str) -> None:
    result = CliRunner().invoke(cli, ["train", catalog, "--dry-run", "--min-films", "1"])
    assert result.exit_code == 0, result.output
    assert "2 genres: Drama (40), War (40)" in result.stdout
    assert "separator ',' in 20 of 60 cells" in result.stdout
    assert [path.name for path in Path(catalog).parent.iterdir()] == ["films.csv"]


@pytest.mark.training
def test_training_needs_an_output(catalog: str) -> None:
    result = CliRunner().invoke(cli, ["train", catalog])
    assert result.exit_code == 2
    assert "Missing option '-o'" in result.stderr


def test_inspect_shows_the_same_as_json(catalog: str) -> None:
    result = CliRunner().invoke(cli, ["inspect", catalog, "--for", "train", "--json"])
    assert result.exit_code == 0, result.output
    look = json.loads(result.stdout)
    assert sum(look["labels"]["Drama"].values()) == 40
    assert sum(look["films"].values()) == 60


def test_inspect_takes_options_of_genres_only_for_training(catalog: str) -> None:
    result = CliRunner().invoke(cli, ["inspect", catalog, "--min-films", "2"])
    assert result.exit_code == 2
    assert "--for train" in result.stderr


@pytest.mark.training
@pytest.mark.parametrize("option", ["--genre-column", "--text-column", "--label-columns"])
def test_a_wrong_column_is_told_before_torch_is_imported(catalog: str, option: str) -> None:
    code = f"""
import sys
from click.testing import CliRunner
from genre_batch.cli.group import cli
command = ["train", {catalog!r}, "-o", {catalog + "-run"!r}, {option!r}, "x"]
result = CliRunner().invoke(cli, command)
print(type(result.exception).__name__, {{"torch", "transformers", "sklearn"}} & set(sys.modules))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "ColumnError set()"
