"""Common aliases of genres, found among the genres of a model."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.catalog.genre_aliases import ALIASES, GenreIndex

TMDB = (
    *("Action", "Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Family"),
    *("Fantasy", "History", "Horror", "Music", "Mystery", "Romance", "Science Fiction"),
    *("TV Movie", "Thriller", "War", "Western"),
)
IMDB = ("Action", "Biography", "Comedy", "Drama", "Film-Noir", "Musical", "Sci-Fi", "Sport", "War")


@pytest.mark.parametrize(
    ("name", "genres"),
    [
        ("Sci-Fi", ["Science Fiction"]),
        ("SCI FI", ["Science Fiction"]),
        ("sci_fi", ["Science Fiction"]),
        ("sci\u2011fi", ["Science Fiction"]),
        ("SF", ["Science Fiction"]),
        ("Science-Fiction", ["Science Fiction"]),
        ("Science Fiction Films", ["Science Fiction"]),
        ("Kids", ["Family"]),
        ("Children's", ["Family"]),
        ("Children\u2019s Movies", ["Family"]),
        ("kids and family", ["Family"]),
        ("Musical", ["Music"]),
        ("Musicals", ["Music"]),
        ("Biopic", ["Drama"]),
        ("Film-Noir", ["Crime"]),
        ("Film Noirs", ["Crime"]),
        ("RomCom", ["Romance", "Comedy"]),
        ("Rom-Coms", ["Romance", "Comedy"]),
        ("Docu", ["Documentary"]),
        ("Suspense", ["Thriller"]),
        ("Dramas", ["Drama"]),
        ("Horror Movies", ["Horror"]),
        ("TV-Movie", ["TV Movie"]),
        ("television film", ["TV Movie"]),
        ("Sports", []),
        ("Reality-TV", []),
    ],
)
def test_usual_names_of_film_genres(name: str, genres: list[str]) -> None:
    found = GenreIndex(TMDB).find(name)
    assert found is not None
    assert (list(found.genres), found.manner) == (genres, "alias")
    assert GenreIndex(TMDB, aliases=False).find(name) is None


@pytest.mark.parametrize("name", ["TV", "Dramatic", "Action & Adventure", "C", "", "-", "Movie"])
def test_other_names_are_not_known(name: str) -> None:
    assert GenreIndex(TMDB).find(name) is None


def test_a_model_s_own_names_come_before_aliases() -> None:
    index = GenreIndex((*TMDB, "Musical", "Sports"))
    assert index.find("Musical").genres == ("Musical",)  # type: ignore[union-attr]
    assert index.find("sport").genres == ("Sports",)  # type: ignore[union-attr]
    assert GenreIndex(("Dramas", "Comedies")).find("Drama").genres == ("Dramas",)  # type: ignore[union-attr]
    assert index.find("DRAMA").manner == "spelling"  # type: ignore[union-attr]


def test_a_model_with_another_name_of_a_genre_is_understood() -> None:
    index = GenreIndex(IMDB)
    assert index.find("Science Fiction").genres == ("Sci-Fi",)  # type: ignore[union-attr]
    assert index.find("SF").genres == ("Sci-Fi",)  # type: ignore[union-attr]
    # A musical is music, but not the other way round.
    assert index.find("Music") is None
    assert index.find("Noir") is None


def test_an_alias_needs_all_of_its_genres() -> None:
    assert GenreIndex(("Comedy", "Drama", "War")).find("Romcom") is None


def test_nothing_is_left_out_for_models_of_other_things() -> None:
    assert GenreIndex(("Politics", "Economy", "Drama")).find("Sports") is None


def test_names_of_one_model_that_a_hyphen_tells_apart_stay_apart() -> None:
    index = GenreIndex(("co-op", "coop", "Drama"))
    assert index.find("CO-OP").genres == ("co-op",)  # type: ignore[union-attr]
    assert index.find("co op") is None
    assert GenreIndex(("C++", "Rust")).find("C") is None


def test_the_nearest_genre_of_a_name_that_is_not_known() -> None:
    index = GenreIndex(TMDB)
    assert index.nearest("Commedy") == "Comedy"
    assert index.nearest("cs.LG") is None


def test_the_table_names_each_alias_once_and_only_genres_of_tmdb() -> None:
    index = GenreIndex(TMDB)
    names = Counter(name.casefold().replace("-", " ") for alias in ALIASES for name in alias.names)
    assert {name for name, count in names.items() if count > 1} <= {"sci fi", "rom com"}
    for alias in ALIASES:
        assert set(alias.genres) <= set(TMDB)
        assert alias.reason.endswith(".")
        for name in alias.names:
            found = index.find(name)
            assert found is not None
            assert found.genres == alias.genres


@given(st.lists(st.text(min_size=1), unique=True, min_size=1), st.booleans())
def test_every_genre_of_a_model_is_found_as_itself(labels: list[str], aliases: bool) -> None:
    index = GenreIndex(labels, aliases=aliases)
    for label in labels:
        assert index.find(label).genres == (label,)  # type: ignore[union-attr]
