"""Promise: texts in a script that a model hardly reads are counted and warned of."""

from __future__ import annotations

import warnings
from pathlib import Path

import polars as pl
import pytest

from genre_batch.cluster.api import tag_catalog
from genre_batch.errors import GenreBatchWarning
from support.scripts import film_texts

READ = [f"fight robot cry {'laugh ' * (number + 1)}" for number in range(60)]


def _tag(texts: list[str], model: Path, folder: Path) -> pl.DataFrame:
    pl.DataFrame({"overview": texts}).write_csv(folder / "f.csv")
    tag_catalog(folder / "f.csv", folder / "o.parquet", model=model, force=True)
    return pl.read_parquet(folder / "o.parquet")


@pytest.mark.parametrize("script", ["Cyrillic", "Han", "Arabic", "Devanagari"])
def test_texts_in_another_script_are_counted(tiny_model: Path, tmp_path: Path, script: str) -> None:
    with pytest.warns(GenreBatchWarning, match="40 of 100 texts are in a script that the"):
        tagged = _tag([*READ, *film_texts(script, 40)], tiny_model, tmp_path)
    assert tagged["predicted_genres"].null_count() == 0


def test_texts_that_the_model_reads_are_not_mentioned(tiny_model: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _tag(READ, tiny_model, tmp_path)
        _tag(
            [f"a story without known words {number}" for number in range(60)], tiny_model, tmp_path
        )
        _tag(film_texts("Greek", 5), tiny_model, tmp_path)
