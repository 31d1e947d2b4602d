"""Languages of texts: which are not in the one that a model reads."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.errors import UsageError
from genre_batch.model.language import (
    UNDETERMINED,
    LanguageTally,
    check_language,
    language_name,
    main_language,
    model_language,
    other_language,
)
from support import tiny
from support.languages import ENGLISH, FILMS

ALMOST = {("es", 1), ("it", 1), ("ro", 1)}
"""Texts of five words that look English to the detector: (language, number)."""


@pytest.mark.parametrize("language", FILMS)
def test_texts_in_other_languages_than_english_are_found(language: str) -> None:
    for number, text in enumerate(FILMS[language]):
        found = other_language(text, "en")
        if (language, number) in ALMOST:
            assert found is None
        elif language in ("ru", "zh", "ar", "id"):  # short texts may be in a language next to it
            assert found in (language, UNDETERMINED, "ms")
        else:
            assert found == language


@pytest.mark.parametrize("text", [*ENGLISH, *map(str.upper, ENGLISH)])
def test_english_is_not_mistaken(text: str) -> None:
    assert other_language(text, "en") is None


@pytest.mark.parametrize("text", ["Krzysztof Kieślowski", "Amélie Poulain", "Jürgen Müller-Weiß"])
def test_names_alone_are_in_no_language(text: str) -> None:
    assert other_language(text, "en") is None
    assert other_language(text, "es") is None


@pytest.mark.parametrize("language", FILMS)
def test_overviews_are_in_their_own_language(language: str) -> None:
    assert other_language(FILMS[language][0], language) is None
    assert other_language(FILMS[language][3], language) is None


@pytest.mark.parametrize("language", ["es", "de", "ru", "ja"])
def test_english_is_another_language_to_other_models(language: str) -> None:
    text = "A young teacher goes back to her village and finds out what everybody hides."
    assert other_language(text, language) == "en"


def test_languages_next_to_each_other_are_not_told_apart() -> None:
    assert other_language(FILMS["da"][0], "no") is None
    assert other_language(FILMS["id"][0], "ms") is None


def test_a_text_that_is_partly_in_the_language_counts_as_read() -> None:
    english = "A young teacher goes back to her village and finds out what everybody hides. "
    assert other_language(english + FILMS["es"][0], "en") is None
    # Only the start of a text is looked at, as only the start is read.
    assert other_language(FILMS["es"][0] * 20 + english * 20, "en") == "es"


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    assert other_language(text.encode("utf-8", "replace").decode(), "en") != "en"


def test_controls_do_not_hide_a_language() -> None:
    text = FILMS["fr"][0]
    assert other_language(f"\x0b\x00{text}\x85\ufffe", "en") == "fr"


@pytest.mark.parametrize(
    ("code", "expected"),
    [("en", "en"), ("EN", "en"), ("en-US", "en"), ("pt_BR", "pt"), ("iw", "he"), ("nb", "no"),
     ("zh-Hant", "zh"), ("english", "en"), ("Spanish", "es")],
)  # fmt: skip
def test_codes_and_names_of_languages(code: str, expected: str) -> None:
    assert check_language(code) == expected


@pytest.mark.parametrize("code", ["", "xx", "zz", "spansh", "en,de"])
def test_an_unknown_language_is_reported(code: str) -> None:
    with pytest.raises(UsageError, match="`only_language` must be a code of ISO 639-1, got"):
        check_language(code)


def test_an_unknown_language_is_reported_with_the_nearest_or_examples() -> None:
    with pytest.raises(UsageError, match="got 'spansh': did you mean 'spanish'"):
        check_language("spansh")
    with pytest.raises(UsageError, match=r"got 'en,de': name one language$"):
        check_language("en,de")


def test_languages_have_names() -> None:
    assert (language_name("en"), language_name("und")) == ("English", "unknown languages")


def test_the_language_of_most_texts() -> None:
    english = ["A young teacher goes back to her village and finds out what they hide."] * 9
    assert main_language([*english, FILMS["fr"][0]]) == "en"
    assert main_language([*english[:3], *FILMS["fr"][:2]]) is None
    assert main_language(["Jackie Chan.", ""]) is None
    assert main_language([]) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"language": "es"}, "es"),
        ({"language": "qq"}, None),
        ({"provenance": {"base_model": "minilm"}}, "en"),
        ({"provenance": {"base_model": "distilbert-base-uncased"}}, "en"),
        ({"provenance": {"base_model": "distilbert-base-multilingual-cased"}}, None),
        ({"language": "de", "provenance": {"base_model": "minilm"}}, "de"),
        ({}, None),
    ],
)
def test_the_language_that_a_model_reads(fields: dict[str, Any], expected: str | None) -> None:
    assert model_language(tiny.metadata(**fields)) == expected


def test_texts_are_counted_with_the_first() -> None:
    tally = LanguageTally("en")
    texts = pa.array([None, " ", ENGLISH[0], FILMS["fr"][0], FILMS["ja"][1], FILMS["fr"][3]])
    assert tally.add(texts, range(10, 16)).tolist() == [False] * 3 + [True] * 3
    assert (tally.rows, dict(tally.languages)) == (4, {"fr": 2, "ja": 1})
    assert tally.first == f"row 13: {FILMS['fr'][0][:60]!r}"
    nothing = LanguageTally(None)
    assert not nothing.add(texts, range(6)).any()
    assert nothing.rows == 0


def test_without_the_detector_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genre_batch.model.language._cld2", lambda: None)
    assert model_language(tiny.metadata(language="en")) is None
    assert main_language(["A young teacher goes back to her village."]) is None
    with pytest.raises(UsageError, match="`only_language` needs the package pycld2"):
        check_language("en")
