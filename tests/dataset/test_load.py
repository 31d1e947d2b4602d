"""A labeled catalog becomes texts, labels and parts, with no film in two parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genre_batch.catalog.formats import input_location
from genre_batch.catalog.options import ColumnOptions
from genre_batch.dataset.dataset import Dataset, variants
from genre_batch.dataset.extra_rows import load_extra, read_extra
from genre_batch.dataset.load import Further, load_dataset
from genre_batch.errors import (
    CatalogError,
    ColumnError,
    GenreBatchWarning,
    TrainingError,
    UsageError,
)
from genre_batch.model.text import OVERVIEW_ONLY, TITLE_AND_OVERVIEW
from support.catalogs import genres_of, load, overviews, write_csv, write_films


def _in_two_parts(dataset: Dataset) -> int:
    """Return the number of overviews in more than one part."""
    return len(set(zip(dataset.texts, dataset.parts, strict=True))) - len(set(dataset.texts))


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
    dataset = load(write_films(tmp_path, overviews(10), [cell, "Horror"]))
    assert dataset.names == ["Comedy", "Drama", "Horror"]
    assert genres_of(dataset) == [["Comedy", "Drama"], ["Horror"]] * 5
    assert set(np.unique(dataset.labels)) == {0, 1}


def test_genres_may_be_lists_of_a_parquet_file(tmp_path: Path) -> None:
    table = pa.table({"Plot": overviews(10), "Genre": [["Drama", "Comedy"], ["Horror"]] * 5})
    pq.write_table(table, tmp_path / "films.parquet")
    dataset = load(input_location(str(tmp_path / "films.parquet")))
    assert genres_of(dataset) == [["Comedy", "Drama"], ["Horror"]] * 5


def test_a_given_separator_is_the_only_one(tmp_path: Path) -> None:
    catalog = write_films(tmp_path, overviews(10), ["Drama, dark~Comedy", "Horror"])
    dataset = load_dataset(catalog, ColumnOptions(genre_separator="~"), with_title=False)
    assert dataset.names == ["Comedy", "Drama, dark", "Horror"]


def test_given_columns_take_precedence_over_usual_names(tmp_path: Path) -> None:
    kinds = ["Y, Z", "Y"] * 5
    rows = [(f"a {at}", "X", f"b {at}", kind, f"c {at}") for at, kind in enumerate(kinds)]
    header = ("overview", "genres", "blurb", "kind", "heading")
    columns = ColumnOptions(text_column="blurb", title_column="heading", genre_column="kind")
    dataset = load_dataset(write_csv(tmp_path / "a.csv", header, rows), columns, with_title=True)
    assert (dataset.texts[3], dataset.names) == ("c 3. b 3", ["Y", "Z"])


def test_rows_without_text_or_genre_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [("", "Drama"), ("  ", "Drama"), ("A film.", ""), ("Another film.", " ")]
    genres = ["Drama, Comedy", "Drama"] * 5
    rows += list(zip(overviews(10), genres, strict=True))
    dataset = load(write_csv(tmp_path / "a.csv", ("overview", "genres"), rows))
    assert (len(dataset), dataset.dropped) == (10, 4)
    assert dataset.rows.tolist() == list(range(4, 14))


def test_the_template_has_titles_if_they_are_read(tmp_path: Path) -> None:
    catalog = write_films(tmp_path, [*overviews(10), "  The end. "])
    bare, titled = load(catalog), load(catalog, with_title=True)
    assert (bare.template, titled.template) == (OVERVIEW_ONLY, TITLE_AND_OVERVIEW)
    assert (bare.texts[-1], titled.texts[-1]) == ("The end.", "Film 10. The end.")
    assert titled.bare_texts == bare.texts == bare.bare_texts
    assert variants(bare) == {"overview": bare.texts}
    assert variants(titled) == {"title_and_overview": titled.texts, "overview": bare.texts}


@pytest.mark.parametrize(("column", "with_title"), [("genres", False), ("title", True)])
def test_an_error_about_a_missing_column_lists_the_columns(
    tmp_path: Path, column: str, with_title: bool
) -> None:
    header = [name for name in ("title", "overview", "genres") if name != column]
    catalog = write_csv(tmp_path / "a.csv", header, [("a", "b")])
    with pytest.raises(ColumnError, match=f"columns: {', '.join(header)}"):
        load(catalog, with_title=with_title)


def test_a_text_or_genres_inside_another_column_are_named_with_what_to_type(
    tmp_path: Path,
) -> None:
    inner = {"_source": {"overview": "A bell.", "genres": ["Drama"]}}
    for row, said in (
        (inner, "'overview' is inside '_source'"),
        ({"overview": "A bell.", "more": {"genres": ["Drama"]}}, "'genres' is inside 'more'"),
    ):
        catalog, table = tmp_path / "films.jsonl", tmp_path / "films.parquet"
        catalog.write_text(json.dumps(row) + "\n", encoding="utf-8")
        pq.write_table(pa.Table.from_pylist([row]), table)
        with pytest.raises(ColumnError, match=f"{said}: move it up first: jq -c "):
            load(input_location(str(catalog)))
        with pytest.raises(ColumnError, match=f"{said}: move it up first, for example in DuckDB"):
            load(input_location(str(table)))


def test_a_catalog_of_one_genre_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the same genre 'Drama'.*`genre_separator`"):
        load(write_films(tmp_path, overviews(20), ["Drama"]))


def test_a_catalog_whose_rows_all_have_the_same_genres_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="all rows have the same genres 'Comedy', 'Drama'"):
        load(write_films(tmp_path, overviews(20), ["Drama|Comedy"]))


def test_a_catalog_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="it has no rows"):
        load(write_films(tmp_path, []))


def test_a_catalog_without_a_usable_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no row has both a text and a genre"):
        load(
            write_csv(tmp_path / "a.csv", ("overview", "genres"), [("", "Drama"), ("A film.", "")])
        )


def test_duplicate_overviews_stay_in_one_part(tmp_path: Path) -> None:
    texts = [f"Hero {number}: the story, again!" for number in range(60)]
    copies = [text.upper().replace(": ", " - ") + " " for text in texts]
    dataset = load(write_films(tmp_path, texts + copies))
    assert len(dataset) == 120
    assert dataset.keys[:60].tolist() == dataset.keys[60:].tolist()
    assert dataset.parts[:60] == dataset.parts[60:]


def test_the_paper_s_protocol_drops_exact_repeats_and_splits_row_by_row(tmp_path: Path) -> None:
    # Each overview three times: twice with the same genres, once with others.
    texts = [text for text in overviews(40) for _ in range(3)]
    catalog = write_films(tmp_path, texts, ["Drama", "Drama", "Comedy"])
    paper, clean = (load(catalog, protocol=protocol) for protocol in ("paper", "clean"))
    assert (len(paper), len(clean)) == (80, 120)
    assert _in_two_parts(clean) == 0 < _in_two_parts(paper)


def test_extra_films_that_are_in_dev_or_test_are_left_out(tmp_path: Path, many: Dataset) -> None:
    rows = [(text.upper(), "Drama") for text in many.texts] + [("A new film.", "Drama")]
    extra = load_extra(write_csv(tmp_path / "extra.csv", ("overview", "genres"), rows), many)
    held_out = set(many.part("dev", "test").keys.tolist())
    assert not held_out & set(extra.keys.tolist())
    assert len(extra) == len(many.part("train")) + 1


def test_only_the_training_part_of_extra_films_is_taken(tmp_path: Path, many: Dataset) -> None:
    rows = [(f"New {part}.", "Drama", part) for part in ("train", "dev", "test", "", "train 2")]
    extra = load_extra(write_csv(tmp_path / "extra.csv", ("plot", "genre", "part"), rows), many)
    assert extra.texts == ["New train."]


def test_genres_that_only_extra_films_have_are_left_out(tmp_path: Path, many: Dataset) -> None:
    rows = [("First.", "Western, Drama"), ("Second.", "Western"), ("Third.", "Comedy")]
    path = write_csv(tmp_path / "extra.csv", ("overview", "genres"), rows)
    with pytest.warns(GenreBatchWarning, match=r"2 of 3 rows .*'Western' \(2\)"):
        extra = load_extra(path, many)
    assert (extra.texts, genres_of(extra)) == (["First.", "Third."], [["Drama"], ["Comedy"]])
    assert extra.names == many.names


def test_extra_films_are_read_with_titles_if_the_catalog_is(tmp_path: Path, films: Dataset) -> None:
    rows = [("Heat", "A robbery.", "Action")]
    extra = load_extra(write_csv(tmp_path / "extra.csv", ("name", "plot", "genre"), rows), films)
    assert (extra.texts, extra.bare_texts) == (["Heat. A robbery."], ["A robbery."])


def test_extra_films_without_a_usable_one_are_refused(tmp_path: Path, many: Dataset) -> None:
    rows = [(text, "Drama") for text in many.part("test").texts]
    with pytest.raises(TrainingError, match="no row is usable for training"):
        load_extra(write_csv(tmp_path / "extra.csv", ("overview", "genres"), rows), many)


def test_excluded_genres_are_left_out_of_the_catalog_and_of_further_ones(tmp_path: Path) -> None:
    cells = ["Action, Drama", "Comedy", "Drama", "Action, Comedy", "TV Movie", "Drama, TV Movie"]
    further = Further(soft_labels="p", exclude_genres=("tv movie",))
    dataset = load(write_films(tmp_path, overviews(60), cells), further=further)
    assert (dataset.names, dataset.excluded) == (["Action", "Comedy", "Drama"], ("TV Movie",))
    assert (len(dataset), dataset.dropped) == (50, 10)
    rows = [("One.", "TV Movie", ""), ("Two.", "TV Movie, Drama", ""), ("Three.", "", "[1,0,0,1]")]
    path = write_csv(tmp_path / "extra.csv", ("overview", "genres", "p"), rows)
    extra = read_extra(path, dataset, further=further).films
    assert extra.texts == ["Two.", "Three."]
    assert extra.training_labels.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_an_unknown_excluded_genre_names_the_nearest(tmp_path: Path) -> None:
    catalog = write_films(tmp_path, overviews(60))
    with pytest.raises(UsageError, match=r"unknown genre 'Darma': did you mean 'Drama'\?"):
        load(catalog, further=Further(exclude_genres=("Darma",)))


@pytest.mark.parametrize(
    ("excluded", "left"),
    [(("Action", "Comedy"), "only 'Drama'"), (("action", "Comedy", "Drama"), "nothing")],
)
def test_excluding_all_genres_but_one_is_an_error(
    excluded: tuple[str, ...], left: str, tmp_path: Path
) -> None:
    catalog = write_films(tmp_path, overviews(60))
    with pytest.raises(UsageError, match=f"`exclude_genres` leaves {left} to learn: .* 3 genres"):
        load(catalog, further=Further(exclude_genres=excluded))
