"""Promise: the installed command tags the real catalog with the shipped model."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import polars as pl
import pytest

from genre_batch.model.tagger import MODEL_VARIABLE
from support.places import COMMAND


def _run(*arguments: object, stdin: bytes | None = None) -> bytes:
    environment = {name: value for name, value in os.environ.items() if name != MODEL_VARIABLE}
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=environment,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tagged(data: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    output = tmp_path_factory.mktemp("tagged") / "t.parquet"
    _run("tag", data / "mymoviedb.csv", "-o", output)
    return pl.read_parquet(output)


def test_all_rows_come_out_with_all_columns_unchanged(data: Path, tagged: pl.DataFrame) -> None:
    films = pl.read_csv(data / "mymoviedb.csv", infer_schema=False)
    assert films.shape == (9827, 9)
    assert tagged.drop("predicted_genres").equals(films)


def test_every_row_has_a_list_of_genres(tagged: pl.DataFrame) -> None:
    assert tagged.schema["predicted_genres"] == pl.List(pl.String)
    assert tagged["predicted_genres"].null_count() == 0
    assert tagged["predicted_genres"].list.len().mean() == pytest.approx(2.6, abs=0.6)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "tsv.gz", "arrow"])
def test_every_format_gives_the_same_genres(
    data: Path, tagged: pl.DataFrame, tmp_path: Path, suffix: str
) -> None:
    output, back = tmp_path / f"t.{suffix}", tmp_path / "back.parquet"
    _run("tag", data / "mymoviedb.csv", "-o", output, "--limit", 300)
    _run("tag", output, "-o", back, "--replace")
    assert pl.read_parquet(back).equals(tagged.head(300))


def test_stdin_gives_the_same_genres(tagged: pl.DataFrame) -> None:
    lines = tagged.head(300).drop("predicted_genres").write_ndjson().encode()
    answered = pl.read_ndjson(_run("tag", stdin=lines), infer_schema_length=None)
    assert answered.equals(tagged.head(300))


def test_a_slice_is_trained_exported_and_tagged_as_typed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    catalog, run, model = tmp_path / "films.csv", tmp_path / "run", tmp_path / "m.onnx"
    pl.read_csv(data / "mymoviedb.csv", infer_schema=False).head(400).write_csv(catalog)
    _run("train", catalog, "-o", run, "--base-model", "minilm", "--epochs", 1, "--with-title")
    # So short a training leaves probabilities so near each other that rounding moves many.
    _run("export-onnx", run, "-o", model, "--max-loss", 20)
    _run("tag", catalog, "-m", model, "-o", tmp_path / "t.parquet", "--probabilities")
    assert pl.read_parquet(tmp_path / "t.parquet").shape == (400, 9 + 1 + 19)
