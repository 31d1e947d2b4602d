"""Genre cells of every style give the same genres."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.genres import cell_without_genre, parse_cell, parse_column


@pytest.mark.parametrize(
    "cell",
    [
        "Drama, Science Fiction",
        "Drama|Science Fiction",
        "Drama; Science Fiction",
        "Drama / Science Fiction",
        '["Drama", "Science Fiction"]',
        "['Drama', 'Science Fiction']",
        "('Drama', 'Science Fiction')",
        '[{"id": 18, "name": "Drama"}, {"id": 878, "name": "Science Fiction"}]',
        "[{'id': 18, 'name': 'Drama'}, {'id': 878, 'name': 'Science Fiction'}]",
        "  Drama ,Science Fiction,, Drama ",
    ],
)
def test_every_style_gives_the_same_genres(cell: str) -> None:
    assert parse_cell(cell) == ["Drama", "Science Fiction"]


@pytest.mark.parametrize("cell", ["", "  ", "[]", "{}", "[null]", "[{}]"])
def test_a_cell_without_a_genre_gives_none(cell: str) -> None:
    assert parse_cell(cell) == []


def test_a_single_object_is_one_genre() -> None:
    assert parse_cell('{"id": 18, "name": "Drama"}') == ["Drama"]


def test_a_given_separator_is_the_only_one() -> None:
    assert parse_cell("Drama, or so#War", "#") == ["Drama, or so", "War"]


def test_a_bracket_without_a_list_is_part_of_a_name() -> None:
    assert parse_cell("[Drama, War") == ["[Drama", "War"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["A, B", None, "", "A, B"]),
        pa.array(["A, B", None, "", "A, B"]).dictionary_encode(),
        pa.chunked_array([["A|B", None], ["", "A|B"]]),
        pa.array([["A", "B"], None, [], ["A", "B"]]),
        pa.array([[{"name": "A"}, {"name": "B"}], None, [], [{"name": "A"}, {"name": "B"}]]),
    ],
)
def test_a_column_of_any_type_gives_a_list_per_row(column: pa.Array) -> None:
    assert parse_column(column) == [["A", "B"], [], [], ["A", "B"]]


@given(st.text(max_size=40))
def test_no_cell_is_an_error(cell: str) -> None:
    for name in parse_cell(cell):
        assert name == name.strip() != ""


@given(
    st.lists(
        st.text(st.characters(categories=["L"]), min_size=1, max_size=8), unique=True, max_size=5
    ),
    st.sampled_from([", ", "|", ";", " / "]),
)
def test_joined_genres_are_split_again(genres: list[str], separator: str) -> None:
    assert parse_cell(separator.join(genres)) == genres


@pytest.mark.parametrize(
    ("cell", "genres"),
    [
        ('{"/m/07s9rl0": "Drama", "/m/01z4y": "Comedy"}', ["Drama", "Comedy"]),
        ("{'a': 'Drama'}", ["Drama"]),
        ('{"18": {"name": "Drama"}}', ["Drama"]),
        ("['Drama' 'Comedy']", ["Drama", "Comedy"]),
        ("['Drama'\n 'TV Movie' \"Kid's\"]", ["Drama", "TV Movie", "Kid's"]),
        ("{'Drama', 'Comedy'}", ["Drama", "Comedy"]),
        ("(no genres listed)", []),
        ('["(no genres listed)"]', []),
        ("{}", []),
        ("[18, 35]", []),
    ],
)
def test_cells_of_well_known_corpora_are_read(cell: str, genres: list[str]) -> None:
    assert parse_cell(cell) == genres
    assert parse_column(pa.array([cell])) == [genres]


def test_names_by_id_are_read_from_structs_and_maps_too() -> None:
    structs = pa.array([{"a": "Drama", "b": None}, None, {"a": None, "b": "Comedy"}])
    assert parse_column(structs) == [["Drama"], [], ["Comedy"]]
    maps = pa.array([[("a", "Drama"), ("b", "Comedy")], None], pa.map_(pa.string(), pa.string()))
    assert parse_column(maps) == [["Drama", "Comedy"], []]


def test_cells_with_content_but_without_genre_are_counted() -> None:
    cells = pa.array(["Drama", "[18, 35]", None, "", "[]", "(no genres listed)", "[{'id': 1}]"])
    assert cell_without_genre(cells, parse_column(cells)) == (2, "[18, 35]")
    assert cell_without_genre(cells[:1], [["Drama"]]) == (0, "")
