"""Films are selected for copying by their genres."""

from __future__ import annotations

from collections import Counter

import pytest

from genre_batch.augmentation.selection import deciding_genres, is_selected

FILMS = Counter(
    {
        frozenset({"Drama"}): 40,
        frozenset({"Comedy"}): 30,
        frozenset({"Action"}): 20,
        frozenset({"Thriller", "Drama"}): 10,
        frozenset({"War"}): 5,
        frozenset({"Western", "Drama"}): 2,
    }
)


def test_the_paper_selects_films_with_none_of_the_four_most_frequent_genres() -> None:
    deciding = deciding_genres("none-of-top-4", FILMS)
    assert deciding == {"Drama", "Comedy", "Action", "Thriller"}
    assert is_selected("none-of-top-4", deciding, ["War"])
    assert not is_selected("none-of-top-4", deciding, ["Western", "Drama"])


def test_genres_with_equally_many_films_are_ranked_by_name() -> None:
    films = Counter({frozenset({name}): 3 for name in "ebadc"})
    assert deciding_genres("none-of-top-4", films) == set("abcd")


def test_rare_genres_have_less_than_a_tenth_of_the_films_of_the_most_frequent_one() -> None:
    deciding = deciding_genres("rare", FILMS)  # Drama has 52, War 5, Western 2
    assert deciding == {"War", "Western"}
    assert is_selected("rare", deciding, ["Western", "Drama"])
    assert not is_selected("rare", deciding, ["Thriller"])


@pytest.mark.parametrize("genres", [["Drama"], ["War"]])
def test_all_selects_every_film(genres: list[str]) -> None:
    assert is_selected("all", deciding_genres("all", FILMS), genres)
