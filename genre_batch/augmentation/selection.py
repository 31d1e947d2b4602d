"""Select the films to copy by their genres and by how often those occur in the catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

__all__ = ["SELECTIONS", "deciding_genres", "is_selected"]

SELECTIONS = ("none-of-top-4", "rare", "all")

_TOP = 4
_RARE_SHARE = 0.1


def deciding_genres(selection: str, films: Counter[frozenset[str]]) -> frozenset[str]:
    """Find the genres that decide whether a film is copied.

    Args:
        selection: one of `SELECTIONS`. `none-of-top-4`: the four most frequent genres; a film with
            any of them is not copied (Balete and Ducay 2024, section "Oversampling"). `rare`: the
            genres with less than a tenth of the films of the most frequent one; a film needs one of
            them to be copied. `all`: none; every film is copied.
        films: set of genres -> number of films with exactly these genres.
    """
    counts: Counter[str] = Counter()
    for genres, count in films.items():
        counts.update(dict.fromkeys(genres, count))
    # Ties are broken by name, so that the order of the rows does not matter.
    ranked = sorted(counts, key=lambda genre: (-counts[genre], genre))
    if selection == "none-of-top-4":
        return frozenset(ranked[:_TOP])
    if selection == "rare":
        most = counts[ranked[0]]
        return frozenset(genre for genre in ranked if counts[genre] < _RARE_SHARE * most)
    return frozenset()


def is_selected(selection: str, deciding: frozenset[str], genres: Iterable[str]) -> bool:
    """Return whether a film is copied.

    Args:
        selection: one of `SELECTIONS`.
        deciding: the result of `deciding_genres`.
        genres: the genres of the film, at least one.
    """
    has_deciding = not deciding.isdisjoint(genres)
    return {"none-of-top-4": not has_deciding, "rare": has_deciding}.get(selection, True)
