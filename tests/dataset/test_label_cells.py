"""Empty cells, names and numbers, and rows that are one genre of a film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import Location, input_location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.labelled import LabelledCatalog, read_labelled
from genre_batch.dataset.load import LabelOptions, load_dataset
from genre_batch.errors import CatalogError, ColumnError, GenreBatchWarning, UsageError
from support.catalogs import genres_of, overviews, write_csv

LEARN = LabelOptions()


def _films(path: Path, cells: list[str]) -> Location:
    rows = zip(overviews(len(cells)), cells, strict=True)
    return write_csv(path / "films.csv", ("overview", "genres"), rows)


def _read(location: Location, **options: object) -> LabelledCatalog:
    return read_labelled(location, ColumnOptions(**options))  # type: ignore[arg-type]


def _cells(empty: int, labeled: int) -> list[str]:
    return ["Drama, War"] * (labeled // 2) + ["War"] * (labeled - labeled // 2) + [""] * empty


def test_a_handful_of_empty_cells_is_left_out(tmp_path: Path) -> None:
    location = _films(tmp_path, _cells(5, 95))
    dataset = load_dataset(location, ColumnOptions(), with_title=False, labels=LEARN)
    assert (len(dataset), dataset.dropped) == (95, 5)


def test_a_part_of_empty_cells_is_a_question(tmp_path: Path) -> None:
    location = _films(tmp_path, _cells(30, 70))
    message = (
        r"30 rows \(30%\) have an empty cell in 'genres': set `empty` to negative .* or to skip"
    )
    with pytest.raises(CatalogError, match=message):
        load_dataset(location, ColumnOptions(), with_title=False, labels=LEARN)


def test_mostly_empty_cells_are_left_out_with_a_warning(tmp_path: Path) -> None:
    location = _films(tmp_path, _cells(80, 20))
    with pytest.warns(GenreBatchWarning, match=r"80 rows \(80%\) .* set `empty` to negative"):
        dataset = load_dataset(location, ColumnOptions(), with_title=False, labels=LEARN)
    assert len(dataset) == 20


@pytest.mark.parametrize(("empty", "films"), [("negative", 100), ("skip", 70)])
def test_an_option_decides_what_empty_cells_are(tmp_path: Path, empty: str, films: int) -> None:
    location = _films(tmp_path, _cells(30, 70))
    columns = ColumnOptions(empty=empty)
    dataset = load_dataset(location, columns, with_title=False, labels=LEARN)
    assert len(dataset) == films
    assert genres_of(dataset).count([]) == films - 70
    assert {part for part, names in zip(dataset.parts, genres_of(dataset), strict=True)} == {
        *("train", "dev", "test")
    }


def test_null_is_unknown_where_a_format_can_write_an_empty_list(tmp_path: Path) -> None:
    genres = [["Drama"], ["War"], [], None]
    pq.write_table(
        pa.table({"overview": overviews(4), "genres": genres}), tmp_path / "films.parquet"
    )
    catalog = _read(input_location(str(tmp_path / "films.parquet")), empty="negative")
    assert catalog.has_labels.tolist() == [True, True, True, False]
    assert catalog.is_negative.tolist() == [False, False, True, False]


def test_null_is_unknown_in_csv_beside_empty_texts(tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_text('overview,genres\na,Drama\nb,""\nc,\n', encoding="utf-8")
    catalog = _read(input_location(str(path)), empty="negative")
    assert catalog.is_negative.tolist() == [False, True, False]
    path.write_text("overview,genres\na,Drama\nb,\nc,\n", encoding="utf-8")
    catalog = _read(input_location(str(path)), empty="negative")
    assert catalog.is_negative.tolist() == [False, True, True]


def test_rows_without_any_flag_are_films_without_a_genre(tmp_path: Path) -> None:
    rows = [(text, int(i % 5 == 0), int(i % 4 == 0)) for i, text in enumerate(overviews(40))]
    location = write_csv(tmp_path / "films.csv", ("overview", "toxic", "threat"), rows)
    columns = ColumnOptions(label_columns=("toxic,threat",))
    dataset = load_dataset(location, columns, with_title=False, labels=LEARN)
    assert (len(dataset), dataset.names) == (40, ["threat", "toxic"])
    assert int((~dataset.labels.any(axis=1)).sum()) == 24
    assert np.array_equal(dataset.labels[:, 1], [int(i % 5 == 0) for i in range(40)])


def test_one_column_of_flags_is_something_to_learn(tmp_path: Path) -> None:
    rows = [(text, i % 2) for i, text in enumerate(overviews(40))]
    location = write_csv(tmp_path / "films.csv", ("overview", "spam"), rows)
    columns = ColumnOptions(label_columns=("spam",))
    assert load_dataset(location, columns, with_title=False, labels=LEARN).names == ["spam"]


def test_numbers_are_named_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "names.csv").write_text("18,Drama\n10752,War\n", encoding="utf-8")
    table = pa.table({"overview": ["a", "b"], "genres": [[18], [18, 10752]]})
    pq.write_table(table, tmp_path / "films.parquet")
    location = input_location(str(tmp_path / "films.parquet"))
    catalog = _read(location, label_names=tmp_path / "names.csv")
    assert catalog.genres == [["Drama"], ["Drama", "War"]]
    assert _read(location).cells.unreadable == 2
    with pytest.raises(CatalogError, match=r"or name the numbers in a file for `label_names`$"):
        load_dataset(location, ColumnOptions(), with_title=False, labels=LEARN)


def test_names_are_read_without_what_nobody_sees(tmp_path: Path) -> None:
    location = _films(tmp_path, ["Science\xa0Fiction", "Science Fiction", "Come\u0301die, Comédie"])
    with pytest.warns(GenreBatchWarning, match=r"'Science\\xa0Fiction' as 'Science Fiction'"):
        catalog = _read(location)
    assert catalog.genres == [["Science Fiction"], ["Science Fiction"], ["Comédie"]]


def test_rows_of_one_genre_each_are_recognized_and_joined(tmp_path: Path) -> None:
    rows = [
        ("a", "Drama"),
        ("b", "War"),
        ("a", "War"),
        ("a", "Drama"),
        ("c", "Drama"),
        ("c", "War"),
    ]
    location = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows)
    joined = _read(location, group_rows=True)
    assert joined.genres == [["Drama", "War"], ["War"], [], [], ["Drama", "War"], []]
    assert joined.has_labels.tolist() == [True, True, False, False, True, False]
    rows = [row for index, row in enumerate(rows) if index != 3]
    location = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows)
    with pytest.warns(GenreBatchWarning, match="2 texts are in several rows .* `group_rows`"):
        _read(location)


def test_rows_of_one_genre_each_are_recognized_beside_a_cell_of_two(tmp_path: Path) -> None:
    texts = [text for text in overviews(30) for _ in range(2)]
    cells = ["Drama", "War"] * 29 + ["Drama, War", "Comedy"]
    rows = zip(texts, cells, strict=True)
    location = write_csv(tmp_path / "films.csv", ("overview", "genres"), rows)
    with pytest.warns(GenreBatchWarning, match="30 texts are in several rows with one genre each"):
        _read(location)


def test_columns_of_one_genre_each_are_offered_and_read(tmp_path: Path) -> None:
    rows = [(text, "Drama", "War" if row % 2 else "") for row, text in enumerate(overviews(10))]
    only = write_csv(tmp_path / "two.csv", ("overview", "Genre", "Genre 2"), rows)
    with pytest.warns(GenreBatchWarning, match="not Genre 2: .* `label_columns` Genre,Genre 2"):
        assert _read(only).genres[1] == ["Drama"]
    assert _read(only, label_columns=("Genre,Genre 2",)).genres[:2] == [["Drama"], ["Drama", "War"]]
    both = write_csv(tmp_path / "both.csv", ("overview", "genre_1", "genre_2"), rows)
    with pytest.raises(ColumnError, match="genres are in several columns, genre_1, genre_2: name"):
        _read(both)


def test_options_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match="`label_columns` and `genre_column` cannot be used"):
        ColumnOptions(label_columns=("a",), genre_column="b")
    with pytest.raises(UsageError, match="`empty` must be one of negative, skip"):
        ColumnOptions(empty="no")
