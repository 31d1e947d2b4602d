"""The whole column decides which mark separates genres, and which belongs to their names."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Sequence

import pytest

from genre_batch.catalog.separator_marks import (
    JOINING,
    RARE,
    STRONG,
    WEAK,
    Present,
    combine,
    pattern_of,
    recur,
    stand_alone,
)
from genre_batch.catalog.separators import find_separators

GENRES = ("Drama", "Comedy", "War", "R&B", "Sci-Fi", "C#", "Rock and Roll", "Bed & Breakfast")
HINDI = ("नाटक", "हास्य", "युद्ध", "अपराध")


def _joined(names: Sequence[str], separator: str, most: int = 3) -> Counter[str]:
    """Return the cells of 300 rows that have one to three of the names."""
    draw = random.Random(0)
    counts = [min(most, count) for count in (1, 1, 2, 3)]
    return Counter(separator.join(draw.sample(names, draw.choice(counts))) for _ in range(300))


def _names(cells: Counter[str]) -> set[str]:
    found = find_separators(cells)
    return {name for cell in cells for name in found.split(cell)}


@pytest.mark.parametrize(
    "separator",
    [
        *(", ", ",", ";", "; ", ";;", "|", " | ", "||", "¦", "\t", "\n", "\r\n", "\u2028"),
        *("•", " • ", "●", "·", " · ", "・", "、", "，", "；", "｜", "。", "।", " । ", "،", "؛"),
        *("/", " / ", "／", "+", " + ", "＋", "#", " # ", "~", "^", "\\"),
        *(" & ", "&", "＆", " and ", " AND ", " or ", " und ", " et ", " y ", " и "),
        *(" - ", " – ", " — ", "--", " -- "),
        *("##", " ## ", "//", " // ", "::", " :: ", "&&", " && ", ", ,", ",,", "; ;", "| |"),
        *(" e ", " och ", " ve ", " oder "),
    ],
)
@pytest.mark.parametrize("names", [GENRES, HINDI], ids=["English", "Hindi"])
def test_a_mark_whose_parts_recur_separates(names: Sequence[str], separator: str) -> None:
    mark = unicodedata.normalize("NFKC", separator).strip().lower()
    names = [name for name in names if not mark or mark not in name.lower() or mark == "#"]
    assert _names(_joined(names, separator)) == set(names)


@pytest.mark.parametrize("separator", [":", "-", "–", "_"])
def test_a_mark_inside_many_names_is_only_mentioned(separator: str) -> None:
    cells = _joined(("Drama", "Comedy", "War", "Crime"), separator)
    found = find_separators(cells)
    assert found.marks == ()
    assert found.alternative is not None
    assert found.alternative[1] == separator[0]


NAMES = {
    "a comma in names": ["Crime, Law", "Arts, Culture, Media", "Sport", "Economy, Business"],
    "slashes with spaces": ["Sci-Fi / Fantasy", "Mystery / Thriller", "Drama", "Art / World"],
    "ampersands": ["Action & Adventure", "Sci-Fi & Fantasy", "War & Politics", "Kids"],
    "ampersands beside their parts": ["Action & Adventure", "Action", "Adventure", "Drama"],
    "a department store": ["Home & Garden", "Home & Kitchen", "Toys & Games", "Arts & Crafts"],
    "programming languages": ["C#", "F#", "C", "C++", "R", ".NET", "ASP.NET", "Objective-C"],
    "tags": ["machine-learning", "deep-learning", "linked-list", "linked-data", "deep-copy"],
    "products of two kinds": ["red-wine", "white-wine", "red-meat", "white-meat"],
    "kinds of music": ["Music - Live", "Music - Studio", "Film - Live", "Film - Studio"],
    "hash tags": ["#metoo", "#drama", "Trip #1", "Trip #2"],
    "bands": ["Simon & Garfunkel", "Hall & Oates", "Rock and Roll", "R&B", "Drum & Bass"],
    "Japanese": ["アクション・アドベンチャー", "SF・ファンタジー", "ドラマ"],
    "Russian": ["Наука и техника", "Мир и война", "Драма"],
    "locales": ["en-US", "en-GB", "fr-FR", "fr-CA", "en-CA"],
    "topics in groups": ["Sports: Football", "Sports: Tennis", "Politics: Europe"],
    "snake case": ["science_fiction", "true_crime", "crime_drama"],
    "topics in levels": ["Sports::Football", "Sports::Tennis", "Politics::Europe", "Sports"],
    "classes": ["std::vector", "std::map", "boost::asio", "vector"],
    "addresses": ["http://x.org/drama", "http://x.org/war", "https://y.org/drama"],
    "dates and versions": ["2020-01", "2020-02", "v1.2", "v1.3"],
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_a_mark_of_names_does_not_separate(names: list[str]) -> None:
    assert _names(_joined(names, "|", most=1)) == set(names)


@pytest.mark.parametrize("separator", ["|", ";", "\t"])
@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_a_mark_of_names_does_not_separate_beside_another(names: list[str], separator: str) -> None:
    assert _names(_joined(names, separator)) == set(names)


def test_parts_recur_in_other_names() -> None:
    slash = pattern_of(("/",))
    assert recur(slash, ["a/b", "a", "b"])
    assert not recur(slash, ["a/b", "c"])
    assert not recur(slash, ["a", "b"])


def test_parts_of_one_combination_do_not_combine() -> None:
    ampersand = pattern_of((" & ",))
    assert not combine(ampersand, ["a & b", "a", "b"])
    assert combine(ampersand, ["a & b", "b & c", "a & c", "a", "b"])
    assert combine(ampersand, ["a & b & c", "a & b", "b & c"])
    assert not combine(ampersand, ["a & x", "a & y", "b & x", "b & y"])


def test_parts_that_never_occur_elsewhere_stand_alone() -> None:
    comma = pattern_of((",",))
    cells = {"a, b": 10, "c, d": 10, "e, f": 10, "g": 1}
    assert stand_alone(comma, cells)
    assert not stand_alone(comma, cells | {"a": 1})
    assert not stand_alone(comma, cells | {"e, f": 9})
    assert stand_alone(comma, {"a, b": 2, "c, d": 2}, few=True)
    assert stand_alone(comma, {"a, b": 10}, few=True)
    assert not stand_alone(comma, {"a, b": 1, "c, d": 1}, few=True)
    assert not stand_alone(comma, {"a": 40})


@pytest.mark.parametrize("mark", [*STRONG, *WEAK, *JOINING, *RARE])
def test_a_text_has_no_mark_that_is_not_present(mark: str) -> None:
    characters = [chr(code) for code in range(1, 0x10000) if not 0xD800 <= code < 0xE000]
    others = [char for char in characters if not char.isalnum() and mark not in Present([char])]
    assert len(others) > 1_000
    text = " ".join(f"a{char}b {char} {char}{char}" for char in others)
    assert pattern_of((mark,)).search(text) is None


def test_words_are_present_in_any_case_between_spaces_only() -> None:
    present = Present(["Drama AND War", "\u0130 \u0441", "Sand", "Drama,and War"])
    assert " and " in present
    assert " i " in present  # as its pattern matches it, in the case of any language
    assert " or " not in present
    assert " and " not in Present(["Sand", "Andorra", "x,and y"])
