"""A labelled catalog becomes texts, labels and parts, with no film in two parts."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.catalog.formats import Location, input_location
from genre_batch.dataset.labelled import (
    Columns,
    Dataset,
    concatenate,
    load_dataset,
    load_extra,
    read_dataset,
    split,
    variants,
)
from genre_batch.dataset.split import PARTS
from genre_batch.errors import CatalogError, ColumnError, GenreBatchError, TrainingError
from genre_batch.model.text import OVERVIEW_ONLY, TITLE_AND_OVERVIEW, text_key

GENRES = ("Action", "Comedy", "Drama", "Horror", "Romance")
CELLS = ("Action, Drama", "Comedy", "Drama", "Action, Comedy")


def _csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Location:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return input_location(str(path))


def _catalog(path: Path, overviews: Sequence[str], cells: Sequence[str] = CELLS) -> Location:
    """Films with these overviews; genre cells are dealt out in turn."""
    rows = [
        (f"Film {number}", overview, cells[number % len(cells)])
        for number, overview in enumerate(overviews)
    ]
    return _csv(path / "films.csv", ("title", "overview", "genres"), rows)


def _overviews(count: int) -> list[str]:
    return [f"The story of number {number}." for number in range(count)]


def _load(location: Location, **options: object) -> Dataset:
    return load_dataset(location, Columns(), **({"with_title": False} | options))  # type: ignore[arg-type]


def _genres(dataset: Dataset) -> list[list[str]]:
    names = np.array(dataset.names)
    return [names[row.astype(bool)].tolist() for row in dataset.labels]


def _as_rows(dataset: Dataset) -> list[tuple[object, ...]]:
    return list(
        zip(
            dataset.rows.tolist(),
            dataset.keys.tolist(),
            dataset.parts,
            dataset.texts,
            dataset.bare_texts,
            _genres(dataset),
            strict=True,
        )
    )


def _in_two_parts(dataset: Dataset) -> int:
    """How many overviews are in more than one part."""
    return len(set(zip(dataset.texts, dataset.parts, strict=True))) - len(set(dataset.texts))


@pytest.fixture
def many(tmp_path: Path) -> Dataset:
    """400 distinct films of one to three of five genres each, split."""
    rng = random.Random(0)
    cells = [", ".join(rng.sample(GENRES, rng.randint(1, 3))) for _ in range(400)]
    return _load(_catalog(tmp_path, _overviews(400), cells))


@pytest.mark.parametrize(
    "cell",
    [
        "Drama, Comedy",
        "Drama|Comedy",
        "Drama; Comedy",
        "Drama / Comedy",
        '["Drama", "Comedy"]',
        "['Drama', 'Comedy']",
        '[{"id": 18, "name": "Drama"}, {"id": 35, "name": "Comedy"}]',
    ],
)
def test_genres_may_be_written_in_any_known_style(tmp_path: Path, cell: str) -> None:
    dataset = _load(_catalog(tmp_path, _overviews(10), [cell, "Horror"]))
    assert dataset.names == ["Comedy", "Drama", "Horror"]
    assert _genres(dataset) == [["Comedy", "Drama"], ["Horror"]] * 5
    assert set(np.unique(dataset.labels)) == {0, 1}


def test_genres_may_be_lists_of_a_parquet_file(tmp_path: Path) -> None:
    table = pa.table({"Plot": _overviews(10), "Genre": [["Drama", "Comedy"], ["Horror"]] * 5})
    pq.write_table(table, tmp_path / "films.parquet")
    dataset = _load(input_location(str(tmp_path / "films.parquet")))
    assert _genres(dataset) == [["Comedy", "Drama"], ["Horror"]] * 5


def test_a_separator_that_is_given_is_the_only_one(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, _overviews(10), ["Drama, dark~Comedy", "Horror"])
    dataset = load_dataset(catalog, Columns(separator="~"), with_title=False)
    assert dataset.names == ["Comedy", "Drama, dark", "Horror"]


def test_columns_that_are_given_are_used_in_place_of_those_found(tmp_path: Path) -> None:
    rows = [(f"a {at}", "X", f"b {at}", "Y, Z", f"c {at}") for at in range(10)]
    header = ("overview", "genres", "blurb", "kind", "heading")
    columns = Columns(text="blurb", title="heading", genre="kind")
    dataset = load_dataset(_csv(tmp_path / "a.csv", header, rows), columns, with_title=True)
    assert (dataset.texts[3], dataset.names) == ("c 3. b 3", ["Y", "Z"])


def test_rows_without_text_or_genre_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [("", "Drama"), ("  ", "Drama"), ("A film.", ""), ("Another film.", " ")]
    rows += [(overview, "Drama, Comedy") for overview in _overviews(10)]
    dataset = _load(_csv(tmp_path / "a.csv", ("overview", "genres"), rows))
    assert (len(dataset), dataset.dropped) == (10, 4)
    assert dataset.rows.tolist() == list(range(4, 14))


def test_the_template_says_whether_titles_are_read(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, [*_overviews(10), "  The end. "])
    bare, titled = _load(catalog), _load(catalog, with_title=True)
    assert (bare.template, titled.template) == (OVERVIEW_ONLY, TITLE_AND_OVERVIEW)
    assert (bare.texts[-1], titled.texts[-1]) == ("The end.", "Film 10. The end.")
    assert titled.bare_texts == bare.texts == bare.bare_texts
    assert variants(bare) == {"overview": bare.texts}
    assert variants(titled) == {"title_and_overview": titled.texts, "overview": bare.texts}


@pytest.mark.parametrize(("column", "with_title"), [("genres", False), ("title", True)])
def test_a_missing_column_is_refused_with_those_there_are(
    tmp_path: Path, column: str, with_title: bool
) -> None:
    header = [name for name in ("title", "overview", "genres") if name != column]
    catalog = _csv(tmp_path / "a.csv", header, [("a", "b")])
    with pytest.raises(ColumnError, match=f"columns: {', '.join(header)}"):
        _load(catalog, with_title=with_title)


def test_a_catalog_of_one_genre_has_nothing_to_teach(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the one genre 'Drama'.*--genre-separator"):
        _load(_catalog(tmp_path, _overviews(20), ["Drama"]))


def test_a_catalog_without_a_usable_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no row has both a text and a genre"):
        _load(_csv(tmp_path / "a.csv", ("overview", "genres"), [("", "Drama"), ("A film.", "")]))


def test_too_few_distinct_texts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="9 distinct texts cannot be split"):
        _load(_catalog(tmp_path, _overviews(9) * 3))


def test_duplicate_overviews_stay_in_one_part(tmp_path: Path) -> None:
    overviews = [f"Hero {number}: the story, again!" for number in range(60)]
    copies = [overview.upper().replace(": ", " - ") + " " for overview in overviews]
    dataset = _load(_catalog(tmp_path, overviews + copies))
    assert len(dataset) == 120
    assert dataset.keys[:60].tolist() == dataset.keys[60:].tolist()
    assert dataset.parts[:60] == dataset.parts[60:]


def test_a_split_is_70_20_10(many: Dataset) -> None:
    shares = [len(many.part(part)) / len(many) for part in PARTS]
    assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.02)


def test_each_genre_s_films_are_shared_out_70_20_10_too(many: Dataset) -> None:
    counts = np.stack([many.part(part).labels.sum(axis=0) for part in PARTS])
    for shares in (counts / counts.sum(axis=0)).T:
        assert shares == pytest.approx([0.7, 0.2, 0.1], abs=0.03)


def test_a_genre_of_ten_films_is_in_every_part(tmp_path: Path) -> None:
    cells = ["Drama, Western" if number % 30 == 0 else "Comedy" for number in range(300)]
    dataset = _load(_catalog(tmp_path, _overviews(300), cells))
    assert [int(dataset.part(part).labels[:, 2].sum()) for part in PARTS] == [7, 2, 1]


def test_the_same_seed_gives_the_same_split_and_another_seed_another(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, _overviews(60))
    same, again, other = (_load(catalog, seed=seed).parts for seed in (1, 1, 2))
    assert same == again != other


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 25), st.integers(1, 7)), min_size=40, max_size=80))
def test_no_group_is_in_two_parts_and_no_part_is_empty(rows: list[tuple[int, int]]) -> None:
    groups = np.array([group for group, _ in rows] + list(range(10)), dtype=np.uint64)
    genres = [genres for _, genres in rows] + [7] * 10
    labels = np.array([[bits & 1, bits >> 1 & 1, bits >> 2] for bits in genres], dtype=np.uint8)
    parts = split(labels, groups, seed=0)
    assert len(set(zip(groups.tolist(), parts, strict=True))) == len(set(groups.tolist()))
    assert set(parts) == set(PARTS)


def test_the_paper_s_protocol_drops_exact_repeats_and_splits_row_by_row(tmp_path: Path) -> None:
    # Each overview three times: twice with the same genres, once with others.
    overviews = [overview for overview in _overviews(40) for _ in range(3)]
    catalog = _catalog(tmp_path, overviews, ["Drama", "Drama", "Comedy"])
    paper, clean = (_load(catalog, protocol=protocol) for protocol in ("paper", "clean"))
    assert (len(paper), len(clean)) == (80, 120)
    assert _in_two_parts(clean) == 0 < _in_two_parts(paper)


def test_a_split_file_is_followed_exactly(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, _overviews(20))
    wanted = {row: PARTS[row % 3] for row in range(15)}
    split_file = _csv(tmp_path / "split.csv", ("row", "part"), wanted.items())
    dataset = _load(catalog, split_file=split_file)
    assert dict(zip(dataset.rows.tolist(), dataset.parts, strict=True)) == wanted
    assert _as_rows(dataset.part("dev")) == [row for row in _as_rows(dataset) if row[2] == "dev"]


def test_a_run_s_own_split_can_be_followed(tmp_path: Path, many: Dataset) -> None:
    many.write(tmp_path / "splits.parquet")
    again = _load(
        input_location(str(tmp_path / "films.csv")),
        split_file=input_location(str(tmp_path / "splits.parquet")),
    )
    assert _as_rows(again) == _as_rows(many)


def test_a_split_file_of_another_catalog_is_refused_with_the_row(tmp_path: Path) -> None:
    catalog = _catalog(tmp_path, _overviews(20))
    rows = [
        (row, PARTS[row % 3], f"{text_key(overview):016x}")
        for row, overview in enumerate(_overviews(20))
    ]
    header = ("row", "part", "overview_key")
    assert len(_load(catalog, split_file=_csv(tmp_path / "right.csv", header, rows))) == 20
    rows[7] = (7, "dev", f"{text_key('Something else.'):016x}")
    with pytest.raises(CatalogError, match="another catalog: row 7 has another overview"):
        _load(catalog, split_file=_csv(tmp_path / "wrong.csv", header, rows))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([(0, "train"), (1, "valid"), (2, "test")], "part 'valid'", id="another part"),
        pytest.param([(0, "train"), (1, ""), (2, "valid")], "unknown part", id="no part"),
        pytest.param([(0, "train"), ("", "dev")], "is no number", id="no row"),
        pytest.param([("first", "train")], "is no number", id="a row in words"),
        pytest.param([(0, "train"), (1, "test")], "in the part 'dev'", id="an empty part"),
        pytest.param([(90, "train"), (91, "dev")], "in the part 'train'", id="rows beyond the end"),
    ],
)
def test_a_split_file_that_makes_no_split_is_refused(
    tmp_path: Path, rows: list[tuple[object, str]], message: str
) -> None:
    split_file = _csv(tmp_path / "split.csv", ("row", "part"), rows)
    with pytest.raises(GenreBatchError, match=message):
        _load(_catalog(tmp_path, _overviews(20)), split_file=split_file)


def test_a_split_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    split_file = _csv(tmp_path / "split.csv", ("row", "fold"), [(0, "train")])
    with pytest.raises(ColumnError, match="row and part; columns: row, fold"):
        _load(_catalog(tmp_path, _overviews(20)), split_file=split_file)


def test_extra_films_that_are_in_dev_or_test_are_left_out(tmp_path: Path, many: Dataset) -> None:
    rows = [(text.upper(), "Drama") for text in many.texts] + [("A new film.", "Drama")]
    extra = load_extra(_csv(tmp_path / "extra.csv", ("overview", "genres"), rows), many)
    held_out = set(many.part("dev", "test").keys.tolist())
    assert not held_out & set(extra.keys.tolist())
    assert len(extra) == len(many.part("train")) + 1


def test_of_extra_films_with_parts_only_those_to_train_on_are_taken(
    tmp_path: Path, many: Dataset
) -> None:
    rows = [(f"New {part}.", "Drama", part) for part in ("train", "dev", "test", "", "train 2")]
    extra = load_extra(_csv(tmp_path / "extra.csv", ("plot", "genre", "part"), rows), many)
    assert extra.texts == ["New train."]


def test_genres_that_only_the_extra_films_have_are_left_out(tmp_path: Path, many: Dataset) -> None:
    rows = [("First.", "Western, Drama"), ("Second.", "Western"), ("Third.", "Comedy")]
    extra = load_extra(_csv(tmp_path / "extra.csv", ("overview", "genres"), rows), many)
    assert (extra.texts, _genres(extra)) == (["First.", "Third."], [["Drama"], ["Comedy"]])
    assert extra.names == many.names


def test_extra_films_are_read_with_titles_if_the_catalog_is(tmp_path: Path, films: Dataset) -> None:
    rows = [("Heat", "A robbery.", "Action")]
    extra = load_extra(_csv(tmp_path / "extra.csv", ("name", "plot", "genre"), rows), films)
    assert (extra.texts, extra.bare_texts) == (["Heat. A robbery."], ["A robbery."])


def test_extra_films_of_which_none_is_left_are_refused(tmp_path: Path, many: Dataset) -> None:
    rows = [(text, "Drama") for text in many.part("test").texts]
    with pytest.raises(TrainingError, match="no row of it can be trained on"):
        load_extra(_csv(tmp_path / "extra.csv", ("overview", "genres"), rows), many)


def test_concatenating_puts_the_second_s_films_after_the_first_s(many: Dataset) -> None:
    joined = concatenate(many.part("dev"), many.part("test"))
    assert _as_rows(joined) == _as_rows(many.part("dev")) + _as_rows(many.part("test"))


def test_what_is_written_is_read_again(tmp_path: Path, films: Dataset) -> None:
    films.write(tmp_path / "splits.parquet")
    again = read_dataset(tmp_path / "splits.parquet")
    assert _as_rows(again) == _as_rows(films)
    assert (again.names, again.template, again.sha256) == (
        films.names,
        films.template,
        films.sha256,
    )
    assert again.labels.dtype == films.labels.dtype
    assert again.keys.dtype == films.keys.dtype


def test_the_split_s_groups_are_the_overviews_keys(tmp_path: Path, films: Dataset) -> None:
    films.write(tmp_path / "splits.parquet")
    table = pq.read_table(tmp_path / "splits.parquet")
    overviews = table.column("text_without_title").to_pylist()
    expected = [f"{text_key(overview):016x}" for overview in overviews]
    assert table.column("group").to_pylist() == expected


def test_a_folder_without_a_split_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is no run folder"):
        read_dataset(tmp_path / "splits.parquet")
