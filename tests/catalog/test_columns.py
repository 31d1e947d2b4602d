"""Columns are found by their usual names."""

from __future__ import annotations

import pytest

from genre_batch.catalog.columns import TEXT_COLUMNS, find_column, listed, require_column
from genre_batch.errors import ColumnError


def test_the_first_candidate_wins_at_any_position() -> None:
    assert find_column(["text", "Plot", "id"], TEXT_COLUMNS) == "Plot"


def test_case_and_outer_spaces_do_not_matter() -> None:
    assert find_column([" OverView "], TEXT_COLUMNS) == " OverView "


def test_two_spellings_of_the_first_candidate_are_ambiguous() -> None:
    with pytest.raises(ColumnError, match=r"'overview' and 'Overview'.*`text_column`"):
        find_column(["overview", "Overview"], TEXT_COLUMNS)


def test_two_spellings_of_a_later_candidate_do_not_matter() -> None:
    assert find_column(["plot", "Plot", "overview"], TEXT_COLUMNS) == "overview"


def test_a_requested_column_must_match_exactly() -> None:
    assert find_column(["overview", "Tagline"], TEXT_COLUMNS, "Tagline") == "Tagline"
    with pytest.raises(ColumnError, match=r"no column 'tagline'.*columns: overview, Tagline"):
        find_column(["overview", "Tagline"], TEXT_COLUMNS, "tagline")


def test_a_missing_column_is_an_error_only_if_it_is_required() -> None:
    assert find_column(["id"], TEXT_COLUMNS) is None
    with pytest.raises(ColumnError, match=r"`genre_column`; columns: id"):
        require_column(["id"], ("genre",), None, "genre_column")


@pytest.mark.parametrize("mark", [";", "~", ":", "\x01", "|", " "])
def test_a_single_name_with_a_mark_in_it_may_be_several_cells(mark: str) -> None:
    with pytest.raises(ColumnError) as raised:
        require_column([f"id{mark}overview"], TEXT_COLUMNS, None, "text_column")
    assert f"if {mark!r} separates the cells, set `delimiter`" in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize("names", [["# films of 2024"], ["1", "A robot learns."], ["x", "y" * 99]])
def test_cells_that_are_no_names_may_be_rows_or_lines_before_the_header(names: list[str]) -> None:
    with pytest.raises(ColumnError, match="`skip_lines` if the header is further down"):
        require_column(names, TEXT_COLUMNS, None, "text_column")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["Data Source", "World", ""], "if the header is further down, set `skip_lines`"),
        (["id;plot", " long;genres"], "if ';' separates the cells, set `delimiter`"),
        (["+----+----------+"], "as a terminal prints it, export it as CSV or TSV instead"),
        (["---", "----------"], "as a terminal prints it, export it as CSV or TSV instead"),
    ],
)
def test_several_names_may_be_a_line_before_the_header_or_other_cells(
    names: list[str], said: str
) -> None:
    with pytest.raises(ColumnError) as raised:
        require_column(names, TEXT_COLUMNS, None, "text_column")
    assert said in str(raised.value)


def test_names_are_not_doubted() -> None:
    with pytest.raises(ColumnError, match=r"columns: id, Über den Film, n_2$"):
        require_column(["id", "Über den Film", "n_2"], TEXT_COLUMNS, None, "text_column")


def test_a_long_list_of_columns_is_shortened_and_counted() -> None:
    assert listed([f"c{n}" for n in range(50)]).endswith("c19, ... (50 in all)")
