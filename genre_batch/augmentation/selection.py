"""Which films are copied: the choice is by genre, and the genres are counted in the catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

__all__ = ["CHOICES", "chosen_genres", "is_chosen"]

CHOICES = ("none-of-top-4", "rare", "all")

_TOP = 4
_RARE_SHARE = 0.1


def chosen_genres(choice: str, films: Counter[frozenset[str]]) -> frozenset[str]:
    """The genres that decide whether a film is copied.

    `none-of-top-4` is Balete and Ducay's choice (2024, section "Oversampling"): the four most
    frequent genres, which a film must not have. `rare`: the genres with less than a tenth of the
    most frequent one's films, one of which it must have.

    Args:
        choice: of `CHOICES`.
        films: how many films have each set of genres.
    """
    counts: Counter[str] = Counter()
    for genres, number in films.items():
        counts.update(dict.fromkeys(genres, number))
    # Of genres with equally many films, the first by name: the choice hangs on no row's place.
    ranked = sorted(counts, key=lambda genre: (-counts[genre], genre))
    if choice == "none-of-top-4":
        return frozenset(ranked[:_TOP])
    if choice == "rare":
        return frozenset(g for g in ranked if counts[g] < _RARE_SHARE * counts[ranked[0]])
    return frozenset()


def is_chosen(choice: str, deciding: frozenset[str], genres: Sequence[str] | Iterable[str]) -> bool:
    """Whether a film with these genres, at least one, is copied.

    Args:
        choice: of `CHOICES`.
        deciding: what `chosen_genres` gave.
        genres: the film's.
    """
    has_one = not deciding.isdisjoint(genres)
    return {"none-of-top-4": not has_one, "rare": has_one}.get(choice, True)
