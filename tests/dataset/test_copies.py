"""Copies in an augmented catalog belong to the film that they were made from."""

from __future__ import annotations

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.reading.several import joined
from genre_batch.dataset.copies import films_of
from genre_batch.errors import TrainingError


def _table(sources: list[object], pivots: list[str | None]) -> pa.Table:
    return pa.table({"source_row": pa.array(sources), "pivot": pa.array(pivots, pa.string())})


def _files(*tables: pa.Table) -> pa.Table:
    names = [f"{letter}.csv" for letter in "abc"[: len(tables)]]
    return joined([TableChunk(table) for table in tables], names).table


def test_a_film_is_its_own_and_a_copy_is_of_its_source() -> None:
    assert films_of(_table([0, 1, 0], [None, "", "es"]), "a").tolist() == [0, 1, 0]


def test_rows_may_be_reordered_or_removed() -> None:
    table = _table([7, 9, 7, 3], ["es", None, None, "ca"])
    assert films_of(table, "a").tolist() == [2, 1, 2, -1]


def test_copies_of_catalogs_that_were_augmented_one_by_one_are_of_films_of_their_own_file() -> None:
    one = _table([0, 1, 0], [None, None, "es"])
    assert films_of(_files(one, one), "both").tolist() == [0, 1, 0, 3, 4, 3]
    other = _table([1, 0, 1], [None, "es", "es"])  # without the film 0
    assert films_of(_files(one, other), "both").tolist() == [0, 1, 0, 3, -1, 3]


def test_an_augmented_catalog_may_be_cut_into_files() -> None:
    films, copies = _table([0, 1], [None, None]), _table([1, 0], ["es", "es"])
    assert films_of(_files(films, copies), "both").tolist() == [0, 1, 1, 0]


def test_two_films_of_one_file_with_the_same_number_are_an_error() -> None:
    twice = _table([0, 1, 0, 1], [None, None, None, "es"])
    message = r"row 0 \(counted from 0\) and row 2 \(counted from 0\) are two films with 0 in"
    with pytest.raises(TrainingError, match=message):
        films_of(twice, "a")
    with pytest.raises(TrainingError, match=r"row 0 of b\.csv .* and row 2 of b\.csv"):
        films_of(_files(_table([0], [None]), twice), "both")


@pytest.mark.parametrize("source", [1.5, True, None, "one"])
def test_what_is_no_row_number_is_an_error(source: object) -> None:
    with pytest.raises(TrainingError, match=r"row 0 .* which is not a whole number"):
        films_of(_table([source], ["es"]), "a")
