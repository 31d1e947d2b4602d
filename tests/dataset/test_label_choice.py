"""Genres are learned from enough films, under one spelling, with names that a model can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.load import LabelOptions, load_dataset
from genre_batch.dataset.split import PARTS
from genre_batch.errors import CatalogError, ColumnError, GenreBatchWarning, TrainingError
from support.catalogs import genres_of, overviews, write_csv


def _films(path: Path, cells: list[str], parts: list[str] | None = None) -> Location:
    rows = zip(overviews(len(cells)), cells, parts or [""] * len(cells), strict=True)
    return write_csv(path / "films.csv", ("overview", "genres", "split"), rows)


def _load(location: Location, part_column: str | None = None, **options: object) -> Dataset:
    return load_dataset(
        location,
        ColumnOptions(),
        with_title=False,
        labels=LabelOptions(**options),  # type: ignore[arg-type]
        part_column=part_column,
    )


def test_genres_with_few_films_are_left_out_and_reported(tmp_path: Path) -> None:
    location = _films(tmp_path, ["Drama", "War"] * 20 + ["Noir"] * 4 + ["Drama, Silent"])
    with pytest.warns(GenreBatchWarning, match=r"than 5 films .* 'Noir' \(4\), 'Silent' \(1\); "):
        dataset = _load(location, min_films=5)
    assert (dataset.names, len(dataset), dataset.dropped) == (["Drama", "War"], 41, 4)


def test_names_that_look_like_program_output_are_reported(tmp_path: Path) -> None:
    location = _films(tmp_path, ["Noir (50%), War (50%)", "TV (100%)", "Drama"] * 20)
    with pytest.warns(GenreBatchWarning, match="3 of the 4 genres of 'genres' look like .*TV"):
        assert len(_load(location).names) == 4


def test_repeated_overviews_count_once(tmp_path: Path) -> None:
    rows = [(text, "Drama") for text in overviews(20)] + [("same", "War")] * 10
    location = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows)
    with (
        pytest.warns(GenreBatchWarning, match=r"'War' \(1\)"),
        pytest.raises(TrainingError, match="all rows have the same genre 'Drama'"),
    ):
        _load(location, min_films=5)


def test_a_column_without_a_repeated_genre_is_refused(tmp_path: Path) -> None:
    location = _films(tmp_path, [f"id {number}" for number in range(40)])
    with pytest.raises(TrainingError, match="no genre has 5 films: "):
        _load(location, min_films=5)


def test_every_genre_has_a_training_film(tmp_path: Path) -> None:
    cells = ["Drama", "War"] * 60 + [f"Single {number}, Drama" for number in range(30)]
    dataset = _load(_films(tmp_path, cells))
    assert len(dataset.names) == 32
    assert dataset.part("train").labels.any(axis=0).all()
    assert set(dataset.parts) == set(PARTS)


def test_a_genre_that_a_given_split_leaves_without_a_training_film_is_left_out(
    tmp_path: Path,
) -> None:
    cells = ["Drama", "War", "Drama, War", "War, Noir", "Noir"]
    parts = ["train", "train", "dev", "test", "test"]
    with pytest.warns(GenreBatchWarning, match=r"no film to learn them from: 'Noir' \(2\)"):
        dataset = _load(_films(tmp_path, cells, parts), part_column="split")
    assert genres_of(dataset) == [["Drama"], ["War"], ["Drama", "War"], ["War"]]
    assert dataset.dropped == 1


def test_spellings_are_merged_into_the_most_frequent_one(tmp_path: Path) -> None:
    cells = ["Drama", "Drama", "drama", "DRAMA, War", "War"] * 5
    location = _films(tmp_path, cells)
    with pytest.warns(GenreBatchWarning, match="'DRAMA' as 'Drama', 'drama' as 'Drama'"):
        dataset = _load(location, merge_labels=True)
    assert dataset.names == ["Drama", "War"]
    assert _load(location).names == ["DRAMA", "Drama", "War", "drama"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [("a\x1bb", "control character"), ("x" * 300, "has 300 characters, not 200")],
)
def test_names_that_a_model_cannot_have_are_refused(
    tmp_path: Path, cell: str, message: str
) -> None:
    with pytest.raises(CatalogError, match=message):
        _load(_films(tmp_path, ["Drama", "War", cell] * 10))


def test_a_column_of_parts_is_used_if_it_is_named_and_offered_if_not(tmp_path: Path) -> None:
    parts = ["train", "validation", "test", "Train", "Holdout", "valid"] * 10
    location = _films(tmp_path, ["Drama", "War"] * 30, parts)
    dataset = _load(location, part_column="split")
    assert dataset.parts[:6] == ["train", "dev", "test", "train", "test", "dev"]
    with pytest.warns(GenreBatchWarning, match="add `part_column` split to use it"):
        _load(location)


def test_a_column_of_other_values_is_not_a_split(tmp_path: Path) -> None:
    location = _films(tmp_path, ["Drama", "War"] * 10, ["train", "dev"] * 9 + ["test", "x"])
    assert len(_load(location)) == 20
    with pytest.raises(CatalogError, match=r"row 19 .* has 'x' in the column 'split'"):
        _load(location, part_column="split")
    with pytest.raises(ColumnError, match="'parts'"):
        _load(location, part_column="parts")


def test_the_split_of_a_longer_catalog_is_refused(tmp_path: Path) -> None:
    location = _films(tmp_path, ["Drama", "War"] * 10)
    rows = [(row, PARTS[row % 3]) for row in range(30)]
    split = write_csv(tmp_path / "split.csv", ("row", "part"), rows)
    with pytest.raises(CatalogError, match=r"another catalog: it has row 29"):
        load_dataset(
            location, ColumnOptions(), with_title=False, split_file=input_location(split.path)
        )
