"""Datasets are joined, written to a run folder and read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.dataset.dataset import Dataset, concatenate, read_dataset
from genre_batch.errors import TrainingError
from genre_batch.model.text_keys import text_key
from support.catalogs import as_rows, load, overviews, write_films


def test_a_run_s_own_split_can_be_followed(tmp_path: Path, many: Dataset) -> None:
    many.write(tmp_path / "splits.parquet")
    again = load(
        input_location(str(tmp_path / "films.csv")),
        split_file=input_location(str(tmp_path / "splits.parquet")),
    )
    assert as_rows(again) == as_rows(many)


def test_concatenating_appends_the_second_dataset(many: Dataset) -> None:
    joined = concatenate(many.part("dev"), many.part("test"))
    assert as_rows(joined) == as_rows(many.part("dev")) + as_rows(many.part("test"))


@pytest.mark.parametrize("most", [1, 2, 7, 10_000])
def test_a_spread_of_films_is_even(many: Dataset, most: int) -> None:
    rows = many.spread(most).rows.tolist()
    places = [many.rows.tolist().index(row) for row in rows]
    assert len(places) == min(most, len(many))
    assert places[0] == 0
    assert most == 1 or places[-1] == len(many) - 1
    steps = np.diff(places)
    assert not len(steps) or (steps.min() >= 1 and steps.max() - steps.min() <= 1)


def test_the_share_of_a_label_is_over_the_weights_of_the_films_where_it_is_known(
    films: Dataset,
) -> None:
    four = replace(films.take(range(4)), names=["a", "b", "c"])
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 0]], dtype=np.uint8)
    assert replace(four, labels=labels).label_shares.tolist() == [0.5, 0.5, 0.0]
    soft = np.array(
        [[1, 0, np.nan], [np.nan, 0.75, np.nan], [0, 0.25, np.nan], [0, 0, np.nan]], np.float32
    )
    weights = np.array([2, 1, 1, 0], dtype=np.float32)
    shares = replace(four, labels=labels, soft=soft, weights=weights).label_shares
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, [2 / 3, 0.25, np.nan])
    unweighted = replace(four, labels=labels, weights=np.zeros(4, dtype=np.float32))
    assert np.isnan(unweighted.label_shares).all()
    assert np.isnan(replace(four, labels=labels).take([]).label_shares).all()


def test_what_is_written_is_read_again(tmp_path: Path, films: Dataset) -> None:
    films.write(tmp_path / "splits.parquet")
    again = read_dataset(tmp_path / "splits.parquet")
    assert as_rows(again) == as_rows(films)
    assert (again.names, again.template, again.sha256) == (
        films.names,
        films.template,
        films.sha256,
    )
    assert again.labels.dtype == films.labels.dtype
    assert again.keys.dtype == films.keys.dtype


@pytest.mark.parametrize(
    ("cells", "separator"),
    [
        (["Drama|Comedy", "Drama", "Comedy"], "|"),
        (["cs.LG cs.AI", "cs.LG", "cs.AI"], " "),
        (['["Drama", "Comedy"]', '["Drama"]'], None),
        (["Drama", "Comedy"], None),
    ],
)
def test_the_columns_and_the_separator_found_are_kept(
    tmp_path: Path, cells: list[str], separator: str | None
) -> None:
    dataset = load(write_films(tmp_path, overviews(60), cells))
    dataset.write(tmp_path / "splits.parquet")
    assert read_dataset(tmp_path / "splits.parquet").used_columns == {
        "text": "overview",
        "title": None,
        "genres": "genres",
        "separator": separator,
    }


def test_the_split_s_groups_are_the_overviews_keys(tmp_path: Path, films: Dataset) -> None:
    films.write(tmp_path / "splits.parquet")
    table = pq.read_table(tmp_path / "splits.parquet")
    overviews = table.column("text_without_title").to_pylist()
    expected = [f"{text_key(overview):016x}" for overview in overviews]
    assert table.column("group").to_pylist() == expected


def test_a_folder_without_a_split_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run folder"):
        read_dataset(tmp_path / "splits.parquet")
