"""Genre names are what a table can show, with one rule for catalogs and models."""

from __future__ import annotations

import pytest

from genre_batch.names import MAX_CHARACTERS, clean_name, is_name, name_key, name_problem


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("Drama", "Drama"),
        ("  Sci-Fi  Weird ", "Sci-Fi Weird"),
        ("Science\xa0Fiction", "Science Fiction"),
        ("Science\u3000Fiction", "Science Fiction"),
        ("Science\u202fFiction", "Science Fiction"),
        ("Science\r\nFiction", "Science Fiction"),
        ("\ufeffDrama\u200b", "Drama"),
        ("Dra\u00adma", "Drama"),
        ("\u200eدرم\u200f", "درم"),
        ("Come\u0301die", "Comédie"),
        ("علمی\u200cتخیلی", "علمی\u200cتخیلی"),
        ("हिन्दी", "हिन्दी"),
        ("剧情", "剧情"),
    ],
)
def test_what_nobody_sees_is_not_part_of_a_name(name: str, clean: str) -> None:
    assert clean_name(name) == clean == clean_name(clean)
    assert is_name(clean)


@pytest.mark.parametrize("name", ["", "a\x00b", "a\nb", "a\xa0b", "x" * (MAX_CHARACTERS + 1), 3])
def test_other_values_are_not_names(name: object) -> None:
    assert not is_name(name)


def test_spellings_have_a_key_in_common() -> None:
    assert len({name_key(name) for name in ("Sci-Fi", "SCI-FI ", "Ｓｃｉ-Ｆｉ")}) == 1  # noqa: RUF001
    assert name_key("Drama") != name_key("Dramas")


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["Drama", "War"], None),
        (["Drama", "a\x1bb"], r"'a\x1bb' has a control character"),
        (["x" * 201], "has 201 characters, not 200"),
        ([str(number) for number in range(10_001)], "10,001 distinct genres are more than"),
    ],
)
def test_names_that_a_model_cannot_have_are_found(names: list[str], problem: str | None) -> None:
    found = name_problem(names)
    assert found is problem is None or (problem is not None and problem in str(found))
