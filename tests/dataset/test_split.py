"""Splits: drawn by group with equal shares of each genre, or read from a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.load import LabelOptions
from genre_batch.dataset.split import PARTS, draw_split
from genre_batch.errors import (
    CatalogError,
    ColumnError,
    GenreBatchError,
    GenreBatchWarning,
    TrainingError,
)
from genre_batch.model.text_keys import text_key
from support.catalogs import as_rows, load, overviews, write_csv, write_films


def test_too_few_distinct_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="9 distinct texts cannot be split"):
        load(write_films(tmp_path, overviews(9) * 3))


def test_a_split_is_70_20_10(many: Dataset) -> None:
    shares = [len(many.part(part)) / len(many) for part in PARTS]
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.02)


def test_each_genre_is_split_70_20_10_too(many: Dataset) -> None:
    counts = np.stack([many.part(part).labels.sum(axis=0) for part in PARTS])
    for shares in (counts / counts.sum(axis=0)).T:
        assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


def test_a_genre_of_ten_films_is_in_every_part(tmp_path: Path) -> None:
    cells = ["Drama, Western" if number % 30 == 0 else "Comedy" for number in range(300)]
    dataset = load(write_films(tmp_path, overviews(300), cells))
    assert [int(dataset.part(part).labels[:, 2].sum()) for part in PARTS] == [7, 2, 1]


def test_the_same_seed_gives_the_same_split_and_another_seed_another(tmp_path: Path) -> None:
    catalog = write_films(tmp_path, overviews(60))
    same, again, other = (load(catalog, seed=seed).parts for seed in (1, 1, 2))
    assert same == again != other


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 25), st.integers(1, 7)), min_size=40, max_size=80))
def test_no_group_is_in_two_parts_and_no_part_is_empty(rows: list[tuple[int, int]]) -> None:
    groups = np.array([group for group, _ in rows] + list(range(10)), dtype=np.uint64)
    genres = [genres for _, genres in rows] + [7] * 10
    labels = np.array([[bits & 1, bits >> 1 & 1, bits >> 2] for bits in genres], dtype=np.uint8)
    parts = draw_split(labels, groups, seed=0)
    assert len(set(zip(groups.tolist(), parts, strict=True))) == len(set(groups.tolist()))
    assert set(parts) == set(PARTS)


def test_a_split_file_is_followed_exactly(tmp_path: Path) -> None:
    catalog = write_films(tmp_path, overviews(20))
    wanted = {row: PARTS[row % 3] for row in range(15)}
    split_file = write_csv(tmp_path / "split.csv", ("row", "part"), wanted.items())
    dataset = load(catalog, split_file=split_file)
    assert dict(zip(dataset.rows.tolist(), dataset.parts, strict=True)) == wanted
    assert as_rows(dataset.part("dev")) == [row for row in as_rows(dataset) if row[2] == "dev"]


def test_a_given_split_that_divides_films_with_the_same_overview_is_warned_of(
    tmp_path: Path,
) -> None:
    texts = [*overviews(20), *overviews(5)]
    catalog = write_films(tmp_path, texts)
    parts = ["train"] * 20 + ["dev", "dev", "test", "test", "test"]
    split_file = write_csv(tmp_path / "split.csv", ("row", "part"), enumerate(parts))
    with pytest.warns(GenreBatchWarning, match="5 films of dev and test have the overview of a"):
        load(catalog, split_file=split_file)
    load(catalog, split_file=split_file, protocol="paper")


def test_a_split_file_of_another_catalog_is_refused_with_the_row(tmp_path: Path) -> None:
    catalog = write_films(tmp_path, overviews(20))
    rows = [
        (row, PARTS[row % 3], f"{text_key(overview):016x}")
        for row, overview in enumerate(overviews(20))
    ]
    header = ("row", "part", "overview_key")
    assert len(load(catalog, split_file=write_csv(tmp_path / "right.csv", header, rows))) == 20
    rows[7] = (7, "dev", f"{text_key('Something else.'):016x}")
    with pytest.raises(CatalogError, match="another catalog: row 7 has another overview"):
        load(catalog, split_file=write_csv(tmp_path / "wrong.csv", header, rows))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(
            [(0, "train"), (1, "tryout"), (2, "test")], "part 'tryout' in row 1 ", id="another part"
        ),
        pytest.param([(0, "train"), ("", "dev")], "row 1 .* has None in the", id="no row"),
        pytest.param([("first", "train")], "'first' .* is not a whole number", id="a row in words"),
        pytest.param([(0, "train"), (1, "test")], "in the part 'dev'", id="an empty part"),
        pytest.param([(0, "train"), (1, "dev")], "in the part 'test'", id="nothing to test on"),
        pytest.param([(3, "train"), (3, "test")], "row 3 is in two parts, 'train' and", id="twice"),
        pytest.param(
            [(-1, "train"), (1, "test")], "no row -1: rows are counted from 0", id="below"
        ),
        pytest.param([(90, "train"), (91, "dev")], "another catalog: it has row 91", id="longer"),
    ],
)
def test_an_invalid_split_file_is_refused(
    tmp_path: Path, rows: list[tuple[object, str]], message: str
) -> None:
    split_file = write_csv(tmp_path / "split.csv", ("row", "part"), rows)
    with pytest.raises(GenreBatchError, match=message):
        load(write_films(tmp_path, overviews(20)), split_file=split_file)


def test_a_split_file_may_have_the_words_that_a_part_column_may_have(tmp_path: Path) -> None:
    words = ("Training", "VALIDATION", "hold-out", "DEV", "")
    rows = [(row, words[row % 5]) for row in range(20)]
    split_file = write_csv(tmp_path / "split.csv", ("row", "part"), rows)
    dataset = load(write_films(tmp_path, overviews(20)), split_file=split_file)
    assert dataset.parts == ["train", "dev", "test", "dev"] * 4


def test_a_split_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    split_file = write_csv(tmp_path / "split.csv", ("row", "fold"), [(0, "train")])
    with pytest.raises(ColumnError, match="row and part; columns: row, fold"):
        load(write_films(tmp_path, overviews(20)), split_file=split_file)


def test_dev_is_drawn_from_train_where_a_split_has_only_train_and_test(tmp_path: Path) -> None:
    texts = overviews(50)
    genres = ["Drama", "War"]
    rows = [
        (text, genres[row % 2], "Test" if row < 10 else "train") for row, text in enumerate(texts)
    ]
    catalog = write_csv(tmp_path / "films.csv", ("overview", "genres", "split"), rows)
    with pytest.warns(GenreBatchWarning, match="has no row for dev, .*: 8 rows of train are drawn"):
        first = load(catalog, part_column="split")
    assert Counter(first.parts) == {"train": 32, "dev": 8, "test": 10}
    assert first.rows[np.array(first.parts) == "test"].tolist() == list(range(10))
    with pytest.warns(GenreBatchWarning):
        assert load(catalog, part_column="split").parts == first.parts
    with pytest.warns(GenreBatchWarning, match="assigns rows to parts, .* add `part_column` split"):
        load(catalog, labels=LabelOptions())
