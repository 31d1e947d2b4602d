"""model/text.py: the text that the model reads."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from genre_batch.model.text import (
    OVERVIEW_ONLY,
    TITLE_AND_OVERVIEW,
    compose,
    predict_distinct,
    uses_title,
)


def test_a_title_goes_before_the_overview() -> None:
    composed = compose(TITLE_AND_OVERVIEW, pa.array(["A cop hunts."]), pa.array(["Heat"]))
    assert composed.to_pylist() == ["Heat. A cop hunts."]


def test_a_film_without_title_is_its_overview() -> None:
    overviews = pa.array(["one", "two", "three"])
    titles = pa.array([None, " ", "T"], pa.string())
    composed = compose(TITLE_AND_OVERVIEW, overviews, titles)
    assert composed.to_pylist() == ["one", "two", "T. three"]


def test_a_film_without_overview_has_no_text_even_with_a_title() -> None:
    overviews = pa.array([None, "", " \t\n\u00a0"], pa.string())
    composed = compose(TITLE_AND_OVERVIEW, overviews, pa.array(["A", "B", "C"]))
    assert composed.to_pylist() == [None, None, None]


def test_outer_white_space_is_stripped() -> None:
    composed = compose(TITLE_AND_OVERVIEW, pa.array(["\n plot "]), pa.array([" Name "]))
    assert composed.to_pylist() == ["Name. plot"]


def test_a_model_without_titles_ignores_them() -> None:
    composed = compose(OVERVIEW_ONLY, pa.array(["plot"]), pa.array(["Name"]))
    assert composed.to_pylist() == ["plot"]


@pytest.mark.parametrize("titles", [None, pa.array(["Name", "Other"])])
def test_a_template_without_a_title_is_filled_too(titles: pa.Array | None) -> None:
    composed = compose("Film: {overview}!", pa.array(["plot", None]), titles)
    assert composed.to_pylist() == ["Film: plot!", None]


@pytest.mark.parametrize("template", ["{overview}", "{title}: {overview}", "Film: {overview}"])
def test_a_template_may_contain_the_title(template: str) -> None:
    assert uses_title(template) is ("{title}" in template)


@pytest.mark.parametrize("template", ["", "{title}", "{overview} {year}", "{}"])
def test_a_template_without_an_overview_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"needs \{overview\} and may have \{title\}"):
        uses_title(template)


@pytest.mark.parametrize("template", ["{overview", "{overview}}"])
def test_a_template_with_a_single_brace_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=r"'[{}]'"):
        uses_title(template)


def test_each_distinct_text_is_predicted_once_and_null_gives_nan() -> None:
    calls: list[list[str]] = []

    def lengths(texts: pa.Array) -> np.ndarray:
        calls.append(texts.to_pylist())
        return np.array([[len(text)] for text in texts.to_pylist()], np.float32)

    predicted = predict_distinct(pa.array(["aa", None, "b", "aa"]), lengths)
    assert calls == [["aa", "b"]]
    np.testing.assert_array_equal(predicted, np.array([[2], [np.nan], [1], [2]]))
