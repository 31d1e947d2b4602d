"""Many names that are program output or markup are reported; unusual names are not."""

from __future__ import annotations

import pytest

from genre_batch.catalog.odd_names import is_odd, odd_names_problem


@pytest.mark.parametrize(
    "name",
    [
        *("Noir (50%)", "Noir (13)", "Noir [0.5]", "Noir:0.82", "Noir: .5", "Noir: 12 %"),
        *("<Tag.NOIR: 35>", "<b>Noir</b>", "['Noir'", "Tag(id", "'Noir']", "{Noir", 'say "Noir'),
        *("name=Noir", 's:4:"Noir"', '\\"Noir\\"', "Noir &copy2;", "Sci-Fi &unknown; B"),
    ],
)
def test_program_output_and_markup_are_odd(name: str) -> None:
    assert is_odd(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Action & Adventure", "Film (Noir)", "Sci-Fi/Fantasy", "18+", "R&B", "Musical(s)", "3D"),
        *("Kid's", "'80s", "Horror (1990)", "Blade: 2049", '"Weird" Tales', "cs.LG", "[Noir]"),
        *("1980s", "12:30", "(2)", "Sci-Fi; A&B", "剧情(爱情)", "Top 100", "<3"),
    ],
)
def test_unusual_names_are_not_odd(name: str) -> None:
    assert not is_odd(name)


def test_many_odd_names_are_reported_once_and_few_are_not() -> None:
    odd = ["Noir:0.5", "War:0.25", "Noir:1", "TV:2"]
    problem = odd_names_problem([*odd, "Drama"], "tags")
    assert problem is not None
    assert problem.startswith("4 of the 5 genres of 'tags' look like program output")
    assert "'Noir:0.5', 'War:0.25', 'Noir:1': clean the column" in problem
    names = [f"name {letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    assert odd_names_problem([*odd[:1], "Drama"], "tags") is None
    assert odd_names_problem([*odd[:2], *names], "tags") is None
