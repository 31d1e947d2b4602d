"""Batches of Ray Data get the genres that `tag` writes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from genre_batch import CatalogError, ColumnError, GenreTagger, UsageError, tag_table
from genre_batch.ray import TagBatches

FILMS = pa.table({"id": [1, 2, 3], "overview": ["laugh", None, "cry fight"]})


def test_each_batch_format_stays_what_it_is(tiny_model: Path, tagger: GenreTagger) -> None:
    tag = TagBatches(model=tiny_model, top_k=1)
    expected = tag_table(FILMS, model=tagger, top_k=1)
    assert tag(FILMS).equals(expected)
    frame = tag(FILMS.to_pandas())
    assert isinstance(frame, pd.DataFrame)
    arrays = tag({name: np.array(values) for name, values in FILMS.to_pydict().items()})
    genres = expected.column("predicted_genres").to_pylist()
    assert frame["predicted_genres"].tolist() == arrays["predicted_genres"].tolist() == genres


def test_a_loaded_model_takes_the_cores_of_the_worker(tagger: GenreTagger) -> None:
    tag = TagBatches(model=pickle.loads(pickle.dumps(tagger)), probabilities=True)
    assert tag(FILMS).equals(tag_table(FILMS, model=tagger, probabilities=True))
    assert TagBatches(model=tagger, threads=2)(FILMS.slice(0, 0)).num_rows == 0


def test_genres_are_written_under_the_names_of_a_file(tagger: GenreTagger, tmp_path: Path) -> None:
    names = tmp_path / "names.csv"
    names.write_text("Lustspiel,Comedy\nTrauerspiel,drama\n")
    options: dict[str, Any] = {"genre_map": names, "only_language": "en"}
    tagged = TagBatches(model=tagger, **options)(FILMS)
    assert tagged.equals(tag_table(FILMS, model=tagger, **options))
    assert tagged.column("predicted_genres")[0].as_py() == ["Lustspiel"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"top_k": 0}, UsageError, "`top_k`"),
        ({"threads": 0}, UsageError, "`threads`"),
        ({"model": 3}, UsageError, "`model`"),
        ({"model": "none.onnx"}, UsageError, "no such model"),
        ({"operating_point": "f7"}, UsageError, "no operating point 'f7'"),
        ({"exclude_genres": "Opera"}, UsageError, "unknown genre 'Opera'"),
        ({"genre_map": "none.csv"}, UsageError, "no such file: none.csv"),
        ({"genre_map": "names.csv"}, CatalogError, "the model has no genre 'Opera'"),
    ],
)
@pytest.mark.usefixtures("working_folder")
def test_options_are_checked_where_the_object_is_made(
    options: dict[str, Any], error: type[Exception], message: str, tagger: GenreTagger
) -> None:
    Path("names.csv").write_text("Oper,Opera\n")
    with pytest.raises(error, match=message):
        TagBatches(**({"model": tagger} | options))


def test_columns_are_checked_at_the_first_batch(tagger: GenreTagger) -> None:
    with pytest.raises(ColumnError, match="no column 'x'"):
        TagBatches(model=tagger, text_column="x")(FILMS)
    with pytest.raises(ColumnError, match="already has 'predicted_genres'"):
        TagBatches(model=tagger)(FILMS.append_column("predicted_genres", FILMS.column("id")))


def test_a_pickled_object_needs_no_file_of_where_it_was_made(
    tagger: GenreTagger, tmp_path: Path
) -> None:
    names = tmp_path / "names.csv"
    names.write_text("Lustspiel,Comedy\n")
    tag = pickle.dumps(TagBatches(model=tagger, genre_map=names))
    names.unlink()
    tagged = pickle.loads(tag)(FILMS)
    assert tagged.column("predicted_genres")[0].as_py() == ["Lustspiel"]
