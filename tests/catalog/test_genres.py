"""Genre cells of every style give the same genres."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.genres import parse_cell, parse_column


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
