"""Promise: no old probability stands next to new genres, in any format."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import polars as pl
import pytest

from genre_batch.cluster.api import tag_catalog
from genre_batch.errors import GenreBatchWarning


@pytest.fixture
def tagged(tiny_model: Path, tmp_path: Path) -> Path:
    """A tagged catalog with wrong genres and wrong probabilities, as another model left them."""
    films = tmp_path / "films.csv"
    films.write_text("id,overview\n1,laugh\n2,\n")
    tag_catalog(films, tmp_path / "tagged.parquet", model=tiny_model, probabilities=True)
    table = pl.read_parquet(tmp_path / "tagged.parquet")
    wrong = table.with_columns(pl.col("^probability_.*$") * 0 - 7.0, rank=pl.lit(3))
    wrong.write_parquet(tmp_path / "tagged.parquet")
    wrong.write_ndjson(tmp_path / "tagged.jsonl")
    wrong.drop("predicted_genres").with_columns(predicted_genres=pl.lit("War")).write_csv(
        tmp_path / "tagged.csv"
    )
    return tmp_path


@pytest.mark.parametrize("source", ["tagged.parquet", "tagged.jsonl", "tagged.csv"])
@pytest.mark.parametrize("output", ["o.parquet", "o.jsonl", "o.csv", "o.arrow"])
def test_old_probabilities_are_replaced_or_left_out(
    tiny_model: Path, tagged: Path, source: str, output: str
) -> None:
    for probabilities in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tag_catalog(
                tagged / source,
                tagged / output,
                model=tiny_model,
                replace=True,
                probabilities=probabilities,
                force=True,
            )
        written = (tagged / output).read_bytes()
        assert b"-7.0" not in written
        assert (b"probability_" in written) is probabilities
        assert b"rank" in written
        if output == "o.parquet":
            table = pl.read_parquet(tagged / output)
            assert table["predicted_genres"].to_list() == [["Comedy"], None]
            assert probabilities or table.columns[:2] == ["id", "overview"]


def test_the_other_members_of_an_object_stay_as_they_are(tiny_model: Path, tmp_path: Path) -> None:
    source, output = tmp_path / "a.jsonl", tmp_path / "o.jsonl"
    source.write_text(
        '{"n": 1.50, "probability_Drama": 7, "overview": "laugh", "x": {"probability_Drama": 1}}\n'
        '{"big": 123456789012345678901, "overview": "cry"}\n'
        '{"probability_Drama": 7}\n'
    )
    tag_catalog(source, output, model=tiny_model, replace=True)
    assert output.read_text().splitlines() == [
        '{"n":1.50,"overview":"laugh","x":{"probability_Drama": 1},"predicted_genres":["Comedy"]}',
        '{"big": 123456789012345678901, "overview": "cry","predicted_genres":["Drama"]}',
        '{"predicted_genres":null}',
    ]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_probabilities_of_other_genres_stay_and_are_reported_once(
    tiny_model: Path, tmp_path: Path, suffix: str
) -> None:
    source, output = tmp_path / f"a.{suffix}", tmp_path / "o.jsonl"
    frame = pl.DataFrame({"overview": ["laugh"], "probability_of_success": ["0.9"]})
    frame.write_csv(source) if suffix == "csv" else frame.write_ndjson(source)
    with pytest.warns(GenreBatchWarning, match="'probability_of_success' stay as they are") as told:
        tag_catalog(source, output, model=tiny_model, replace=True)
    assert len(told) == 1
    assert json.loads(output.read_text())["probability_of_success"] == "0.9"
