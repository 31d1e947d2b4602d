"""Joined genres are split again, whatever is in them, and the separator is explained."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.genres import read_genres
from genre_batch.catalog.separators import find_separators, join_genres, quoted
from support.genres import parse_column

NAMES = st.one_of(
    st.text(min_size=1, max_size=8),
    st.text("ab\",|;/+·、 \\[]{}()<>'#.1\n\tcnul", min_size=1, max_size=6),
    st.sampled_from(["nan", "None", "Sci-Fi, Weird", "a/b", "cs.LG", "c(1", "2)", "[a", "b]"]),
)
ROWS = st.lists(st.lists(NAMES, unique=True, max_size=4), min_size=1, max_size=8)


@given(ROWS, st.sampled_from([", ", "|", ";", " / ", "、", " | ", ",", " • "]))
def test_a_written_column_is_read_back(rows: list[list[str]], separator: str) -> None:
    cells = [join_genres(names, separator) for names in rows]
    assert parse_column(pa.array(cells, pa.string())) == rows


@given(
    ROWS,
    st.sampled_from([", ", "|", " ", "~", " and ", "/", "+", "><", "#", "aa"])
    | st.text(min_size=1, max_size=3).filter(lambda text: '"' not in text),
)
def test_a_written_column_is_read_back_with_its_separator(
    rows: list[list[str]], separator: str
) -> None:
    cells = [join_genres(names, separator) for names in rows]
    assert parse_column(pa.array(cells, pa.string()), separator) == rows


@pytest.mark.parametrize(
    "name", ["Drama", "Science Fiction", "R&B", "C++", "Sci-Fi", "18", "Kid's", "剧情", "TV (UK)"]
)
def test_ordinary_names_are_written_without_quotes(name: str) -> None:
    assert quoted(name, ", ") == name


@pytest.mark.parametrize(
    "name", ["a, b", "a|b", "a/b", 'say "hi"', " a", "[a]", "nan", "cs.LG x.y"]
)
def test_names_that_could_be_read_as_others_are_quoted(name: str) -> None:
    assert quoted(name, ", ").startswith('"')


def test_the_evidence_names_what_other_marks_would_give() -> None:
    cells = {"A, B|C": 3, "A, B": 2, "C": 1, "D, E|C": 1, "D, E": 1}
    found = find_separators(cells)
    assert (found.marks, found.cells) == (("|",), 8)
    assert str(found) == (
        "separator '|' in 4 of 8 cells; ',' (in 7 cells) would give 7 distinct genres"
    )


def test_a_column_without_a_separator_says_so() -> None:
    assert str(find_separators({"Drama": 2, "War": 1})) == "no separator: each cell is one genre"
    assert str(find_separators({})) == "no separator: no cell is a text to split"


def test_words_that_recur_are_mentioned_but_not_split() -> None:
    cells = {f"{a} {b}": 1 for a in "abcd" for b in "wxyz"} | dict.fromkeys("abcdwxyz", 1)
    found = find_separators(cells)
    assert found.marks == ()
    assert "' ' (in 16 cells) would give 8 distinct genres" in str(found)


def test_a_given_separator_is_the_only_one_and_says_so() -> None:
    cells = read_genres(["<a><b>", "<c>"], "><")
    assert cells.genres == [["a", "b"], ["c"]]
    assert str(cells.reader.separators) == "separator '><', as given"


def test_the_first_cells_of_a_huge_column_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genre_batch.catalog.separator_sample._SIZE", 600)
    cells = {f"g{i % 50}|g{i % 7}|{i}": 1 for i in range(600)}
    found = find_separators(cells)
    assert found.marks == ("|",)
    assert find_separators(cells | {f"a, b, c{i}": 1 for i in range(3_000)}) == found


def test_parts_that_may_belong_to_names_are_reported_with_what_to_type() -> None:
    cells = {"Crime, Law and Justice": 3, "Arts, Culture": 2, "Sport": 4}
    found = find_separators(cells)
    assert (found.marks, found.doubtful) == ((",",), (",",))
    assert found.alternative == ("',' may belong to names, as no part recurs", "|")
    assert find_separators(cells | {"Law and Justice": 1}).alternative is None


def test_a_mark_that_was_not_chosen_is_reported_with_what_to_type() -> None:
    found = find_separators({"Drama & Comedy": 3, "Drama": 2, "Comedy": 4})
    assert (found.marks, found.alternative) == ((), ("' & ' may separate genres too", " & "))
    assert read_genres(["a & b", "a", "b"], " & ").reader.separators.alternative is None
