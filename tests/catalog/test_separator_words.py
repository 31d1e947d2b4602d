"""Lists in prose, `A, B and C`, are split; names with the same words stay whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from genre_batch.catalog.separator_marks import pattern_of
from genre_batch.catalog.separator_words import Positions, breaks, names_kept_whole
from genre_batch.catalog.separators import find_separators

GENRES = ("Drama", "Comedy", "War", "Horror", "Crime", "Western", "Music", "Romance")
NAMES = (
    *("Rock and Roll", "Sword & Sorcery", "Drum and Bass", "R&B", "Slice of Life"),
    *("C++", "Sci-Fi/Fantasy", "Science Fiction"),
)
"""Names that have the words and marks themselves."""
Style = Callable[[Sequence[str]], str]


def _prose(conjunction: str, *, comma: str = "") -> Style:
    def join(names: Sequence[str]) -> str:
        if len(names) < 3:
            return f" {conjunction} ".join(names)
        return f"{', '.join(names[:-1])}{comma} {conjunction} {names[-1]}"

    return join


STYLES: dict[str, Style] = {
    "A, B, and C": _prose("and", comma=","),
    "A, B and C": _prose("and"),
    "A, B & C": _prose("&"),
    "A, B, & C": _prose("&", comma=","),
    "A, B et C": _prose("et"),
    "A, B und C": _prose("und"),
    "A, B y C": _prose("y"),
    "A, B и C": _prose("и"),
    "A/B and C": lambda names: _prose("and")(names).replace(", ", " / "),
}


def _errors(style: Style, names: Sequence[str], rows: int, seed: int) -> list[str]:
    """Return the cells of a column that are not read as they were written."""
    draw = random.Random(seed)
    written = [draw.sample(names, draw.choice([1, 1, 2, 2, 3, 4])) for _ in range(rows)]
    cells = {style(row): 1 for row in written}
    found = find_separators(cells)
    return [style(row) for row in written if set(found.split(style(row))) != set(row)]


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_list_in_prose_is_split(style: Style) -> None:
    for seed in range(3):
        assert _errors(style, GENRES, 60, seed) == []


@pytest.mark.parametrize("style", list(STYLES.values())[:-1], ids=list(STYLES)[:-1])
def test_names_with_the_same_words_stay_whole_in_it(style: Style) -> None:
    for seed in range(3):
        assert _errors(style, (*GENRES, *NAMES), 200, seed) == []


@pytest.mark.parametrize("separator", [", ", "|", "||", "//", "##", "; "])
def test_names_that_join_two_genres_are_not_split(separator: str) -> None:
    names = (*GENRES, "Action", "Adventure", "Action & Adventure", "Music and Romance")
    for seed in range(5):
        assert _errors(separator.join, names, 200, seed) == []


def test_a_few_cells_are_enough() -> None:
    cells = ["Drama, Comedy, and War", "War", "Comedy and Drama", "Rock and Roll", "Rock", "Comedy"]
    found = find_separators(dict.fromkeys(cells, 1))
    assert [found.split(cell) for cell in cells] == [
        ["Drama", "Comedy", "War"],
        ["War"],
        ["Comedy", "Drama"],
        ["Rock and Roll"],
        ["Rock"],
        ["Comedy"],
    ]


def test_without_evidence_a_word_is_part_of_a_name() -> None:
    cells = {"Drama, Law and Order": 1, "War, Drama": 1, "War": 2, "Drama, Food and Drink": 1}
    found = find_separators(cells)
    assert found.split("Drama, Food and Drink") == ["Drama", "Food and Drink"]


def test_names_that_stay_whole_in_a_list_in_prose_are_reported() -> None:
    cells = ["Drama, Comedy, and War", "War", "Comedy and Drama", "Rock and Roll", "Comedy"]
    one = str(find_separators(dict.fromkeys(cells, 1)))
    assert one.endswith("; 'Rock and Roll' stays one name")
    two = str(find_separators(dict.fromkeys([*cells, "Sales and Travel"], 1)))
    assert two.endswith("; 'Rock and Roll' and 1 more stay one name")


@pytest.mark.parametrize("style", list(STYLES.values())[:-1], ids=list(STYLES)[:-1])
def test_in_a_dozen_rows_no_name_is_split(style: Style) -> None:
    names = ("Sales", "Travel", "Design", "Arts and Crafts", "Food & Drink", "Law and Order")
    for seed in range(10):
        draw = random.Random(seed)
        written = [draw.sample(names, draw.choice([1, 1, 2, 2, 3, 4])) for _ in range(12)]
        found = find_separators({style(row): 1 for row in written})
        for row in written:
            # What stays joined is at most a list: each name is a whole part, or within one.
            parts = found.split(style(row))
            assert all(any(name in part for part in parts) for name in row)


def test_pieces_of_a_cell_keep_how_they_are_written() -> None:
    cells = ["Drama, Comedy, and War", "War", "Comedy and Drama", "Rock and Roll", "Comedy"]
    found = find_separators(dict.fromkeys(cells, 1))
    for cell in cells:
        assert "".join(before + raw for raw, _, before in found.pieces(cell)) == cell
    assert [name for _, name, _ in found.pieces("War and Rock and Roll")] == [
        *("War", "Rock and Roll", "")
    ]


def test_the_longest_name_is_kept_whole() -> None:
    pattern = pattern_of((" and ",))
    text = "A and B and C and D"
    assert [text[slice(*span)] for span in breaks(pattern, text, ())] == [" and "] * 3
    assert breaks(pattern, text, {"B and C", "B and C and D"}) == [(1, 6)]
    assert breaks(pattern, "and C", ()) == [(0, 4)]


def test_a_mark_that_no_cell_has_does_not_separate() -> None:
    assert names_kept_whole(" and ", Positions.of([["A", "B"], ["C"]])) is None


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["Drama||Comedy||", "Drama||", "War||Comedy"], ["Comedy", "Drama", "War"]),
        (["Drama|Comedy", "War||Drama", "Comedy"], ["Comedy", "Drama", "War"]),
        (["a|b", "c||d"], ["a", "b", "c", "d"]),
        (["Drama||", "War|Crime|", "Horror||"], ["Crime", "Drama", "Horror", "War"]),
        (["Drama, , War", "War, Comedy", "Drama"], ["Comedy", "Drama", "War"]),
        (["a//b", "a/c", "b/c", "c"], ["a", "b", "c"]),
        (
            ["Action|War||Drama", "Drama||Kids", "Action|War", "Kids||Action|War"],
            ["Action|War", "Drama", "Kids"],
        ),
        (
            ["Sci-Fi/Fantasy//Drama", "Drama//War", "Sci-Fi/Fantasy", "War"],
            ["Drama", "Sci-Fi/Fantasy", "War"],
        ),
        (
            ["Crime, Law, ,Drama", "Drama, ,War", "Crime, Law", "War, ,Crime, Law"],
            ["Crime, Law", "Drama", "War"],
        ),
        (["##Drama##War##", "War##", "Drama"], ["Drama", "War"]),
        (["C###Drama", "War##Drama####C#", "Drama##War", "C#"], ["C#", "Drama", "War"]),
        (["C#", "C##Drama", "Drama#War", "War"], ["C#", "Drama", "War"]),
    ],
)
def test_a_doubled_mark_separates_unless_it_stands_for_an_empty_genre(
    cells: list[str], expected: list[str]
) -> None:
    found = find_separators(dict.fromkeys(cells, 1))
    assert sorted({name for cell in cells for name in found.split(cell)}) == expected
