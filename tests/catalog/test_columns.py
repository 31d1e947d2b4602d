"""Columns are found by what such columns are usually called."""

from __future__ import annotations

import pytest

from genre_batch.catalog.columns import TEXT_COLUMNS, find_column, listed, require_column
from genre_batch.errors import ColumnError


def test_the_first_candidate_wins_wherever_it_stands() -> None:
    assert find_column(["text", "Plot", "id"], TEXT_COLUMNS) == "Plot"


def test_case_and_outer_spaces_do_not_matter() -> None:
    assert find_column([" OverView "], TEXT_COLUMNS) == " OverView "


def test_two_spellings_of_the_first_candidate_are_ambiguous() -> None:
    with pytest.raises(ColumnError, match=r"'overview' and 'Overview'.*`text_column`"):
        find_column(["overview", "Overview"], TEXT_COLUMNS)


def test_two_spellings_of_a_later_candidate_do_not_matter() -> None:
    assert find_column(["plot", "Plot", "overview"], TEXT_COLUMNS) == "overview"


def test_an_asked_column_is_taken_as_it_is_spelt() -> None:
    assert find_column(["overview", "Tagline"], TEXT_COLUMNS, "Tagline") == "Tagline"
    with pytest.raises(ColumnError, match=r"no column 'tagline'.*columns: overview, Tagline"):
        find_column(["overview", "Tagline"], TEXT_COLUMNS, "tagline")


def test_no_candidate_is_none_unless_it_is_needed() -> None:
    assert find_column(["id"], TEXT_COLUMNS) is None
    with pytest.raises(ColumnError, match=r"`genre_column`; columns: id"):
        require_column(["id"], ("genre",), None, "genre_column")


def test_a_wide_table_lists_its_first_columns_and_says_how_many() -> None:
    assert listed([f"c{n}" for n in range(50)]).endswith("c19, ... (50 in all)")
