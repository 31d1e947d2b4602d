"""Common aliases of film genres, and how a name is found among the genres of a model."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from genre_batch.names import name_key

__all__ = ["ALIASES", "Alias", "Found", "GenreIndex"]

Manner = Literal["same", "spelling", "alias"]
"""How a name was found: as it is, in another case, space or width, or as an alias."""


@dataclass(frozen=True)
class Alias:
    """Other names of one genre, or of several that go together.

    Attributes:
        names: the other names.
        genres: the genres that a film of such a name has, all of them; empty: none that a model of
            TMDB's genres knows, so that the name is left out.
        reason: why, for the documentation.
        is_synonym: whether the names mean the same as the genre, so that a model which has one of
            them in place of the genre is understood too.
    """

    names: tuple[str, ...]
    genres: tuple[str, ...]
    reason: str
    is_synonym: bool = False


ALIASES = (
    Alias(
        ("Sci-Fi", "SciFi", "SF", "S-F", "SyFy"),
        ("Science Fiction",),
        "The same genre, as IMDb, MovieLens and shops write it.",
        is_synonym=True,
    ),
    Alias(
        ("Cyberpunk", "Space Opera"),
        ("Science Fiction",),
        "Kinds of science fiction by definition.",
    ),
    Alias(
        ("Docu", "Doc", "Documentaries", "Docuseries", "Nonfiction"),
        ("Documentary",),
        "The same genre, shortened or in the plural.",
        is_synonym=True,
    ),
    Alias(
        ("Comedies", "Humor", "Humour", "Comic"),
        ("Comedy",),
        "The same genre in another form.",
        is_synonym=True,
    ),
    Alias(
        (
            *("Dark Comedy", "Black Comedy", "Satire", "Parody", "Spoof", "Slapstick", "Farce"),
            *("Sitcom", "Mockumentary", "Stand-Up", "Stand-Up Comedy"),
        ),
        ("Comedy",),
        "Kinds of comedy; a mockumentary has the form of a documentary, and is not one.",
    ),
    Alias(
        ("Romantic", "Love Story"),
        ("Romance",),
        "The same genre in another form.",
        is_synonym=True,
    ),
    Alias(
        ("Romcom", "Rom-Com", "Romantic Comedy", "Romantic Comedies", "Comedy Romance"),
        ("Romance", "Comedy"),
        "Both at once by definition.",
    ),
    Alias(("Romantic Drama",), ("Romance", "Drama"), "Both at once."),
    Alias(
        ("Dramedy", "Comedy-Drama", "Tragicomedy"),
        ("Comedy", "Drama"),
        "Both at once by definition.",
    ),
    Alias(("Action Comedy",), ("Action", "Comedy"), "Both at once."),
    Alias(("Horror Comedy", "Comedy Horror"), ("Horror", "Comedy"), "Both at once."),
    Alias(
        ("Biopic", "Biography", "Biographical", "Biographies", "Bio", "Melodrama"),
        ("Drama",),
        "A life played by actors is a drama; TMDB adds History only if it is about history.",
    ),
    Alias(("Crime Drama",), ("Crime", "Drama"), "Both at once."),
    Alias(("Crime Thriller",), ("Crime", "Thriller"), "Both at once."),
    Alias(
        ("Film Noir", "Noir", "Neo-Noir", "Gangster", "Heist", "True Crime", "Mafia"),
        ("Crime",),
        "A crime is at the center of each; Thriller, Mystery or Drama fit many, not all.",
    ),
    Alias(
        ("Suspense", "Suspense Thriller", "Psychological Thriller"),
        ("Thriller",),
        "Suspense is what makes a thriller; TMDB has no genre of its own for it.",
    ),
    Alias(
        ("Mysteries", "Whodunit", "Whodunnit", "Murder Mystery"),
        ("Mystery",),
        "The plural, and other names of its kinds.",
    ),
    Alias(
        ("Slasher", "Body Horror", "Folk Horror", "Psychological Horror", "Supernatural Horror"),
        ("Horror",),
        "Kinds of horror.",
    ),
    Alias(
        ("Kids", "Children", "Children's", "Kids & Family", "Family & Kids", "Children & Family"),
        ("Family",),
        "TMDB has no genre for children: such films are in Family.",
    ),
    Alias(
        ("Animated", "Cartoon", "Anime"),
        ("Animation",),
        "The same technique under other names; anime is animation from Japan.",
        is_synonym=True,
    ),
    Alias(
        ("Musical", "Music & Musicals", "Concert"),
        ("Music",),
        "TMDB has no Musical: musicals and concert films are in Music.",
    ),
    Alias(
        ("Historical", "Historic"), ("History",), "The same genre in another form.", is_synonym=True
    ),
    Alias(
        ("Historical Drama", "Period Drama", "Costume Drama"),
        ("History", "Drama"),
        "Both at once.",
    ),
    Alias(("Martial Arts", "Kung Fu"), ("Action",), "Fights are what such a film is about."),
    Alias(("Spaghetti Western", "Neo-Western"), ("Western",), "Kinds of Western."),
    Alias(
        ("TV Film", "Television Movie", "Television Film", "Telefilm", "Made for TV"),
        ("TV Movie",),
        "The same, spelled out.",
        is_synonym=True,
    ),
    Alias(
        ("Sport",),
        (),
        "Not a genre of TMDB. Such films are dramas, comedies and documentaries alike.",
    ),
    Alias(
        ("Short", "IMAX", "Feature", "Silent", "Black and White"),
        (),
        "A form, not a genre: it does not describe what the film is about.",
    ),
    Alias(
        ("News", "Reality", "Reality TV", "Game Show", "Talk Show", "Adult"),
        (),
        "Genres of IMDb that no film of TMDB has: other kinds of programs.",
    ),
    Alias(
        ("Foreign", "International", "Independent", "Indie", "Classic", "Cult"),
        (),
        "Where a film comes from or what it became, not what it is about.",
    ),
)
"""The aliases of the genres of TMDB, which the shipped model predicts.

A row maps to a genre only if that is true of nearly every film with the name. Names that join
genres without telling which of them a film has (`Action & Adventure`, `Sci-Fi & Fantasy`,
`Mystery & Thriller`) are left to the user's own map. The plural with an s is known
of every name.
"""

_FILM_GENRES = frozenset(
    (
        *("action", "adventure", "animation", "comedy", "crime", "documentary", "drama", "family"),
        *("fantasy", "history", "horror", "music", "mystery", "romance", "sciencefiction"),
        *("tvmovie", "thriller", "war", "western"),
    )
)
_SEPARATORS = re.compile(r"[\s_\u2010-\u2015\u2212-]+")
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc]")
_FILM_WORDS = frozenset(("film", "films", "movie", "movies"))
_NEAR = 0.6
"""The least similarity (`difflib.SequenceMatcher.ratio`, 0..1) of a name that is suggested."""


def _loose_key(name: str) -> str:
    """Return a key of spellings that differ in a hyphen, a space or `Movies` only.

    Other characters stay: C, C++ and C# are three names.
    """
    folded = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", name).casefold())
    words = [word for word in _SEPARATORS.split(folded.replace("&", " and ")) if word]
    if len(words) > 1 and words[-1] in _FILM_WORDS and words[0] not in ("tv", "television"):
        words.pop()
    return "".join(words)


def _targets(alias: Alias, labels: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return a model's genres for an alias; None if it lacks one of them.

    Args:
        alias: the other names.
        labels: the model's genres by `_loose_key`.
    """
    genres = tuple(labels.get(_loose_key(genre), "") for genre in alias.genres)
    if all(genres):
        return genres
    own = (labels.get(_loose_key(name)) for name in alias.names if alias.is_synonym)
    first = next((name for name in own if name is not None), None)
    return None if first is None else (first,)


@dataclass(frozen=True)
class Found:
    """The genres of a model that a name stands for.

    Attributes:
        genres: as the model spells them; empty: a known name that is none of them.
        manner: how they were found.
    """

    genres: tuple[str, ...]
    manner: Manner


class GenreIndex:
    """The genres of a model, found by name."""

    def __init__(self, labels: Sequence[str], *, aliases: bool = True) -> None:
        """Index the genres.

        Args:
            labels: the genres of the model.
            aliases: find them by common aliases too.
        """
        self.labels = tuple(labels)
        self._names = frozenset(labels)
        self._by_key = {name_key(label): label for label in reversed(labels)}
        self._aliases: dict[str, Found] = {}
        if aliases:
            self._add_aliases()

    def _add_aliases(self) -> None:
        spellings: defaultdict[str, list[str]] = defaultdict(list)
        for label in self.labels:
            spellings[_loose_key(label)].append(label)
        # Two genres of one model that differ in a hyphen only are two genres.
        labels = {key: names[0] for key, names in spellings.items() if len(names) == 1}
        are_of_films = 2 * sum(key in _FILM_GENRES for key in spellings) >= len(self.labels)
        known: dict[str, tuple[str, ...]] = {}
        for alias in ALIASES:
            genres = _targets(alias, labels)
            if genres or (genres is not None and are_of_films):
                names = (*alias.names, *alias.genres) if alias.is_synonym else alias.names
                known.update({_loose_key(name): genres for name in names})
        own = {key: (label,) for key, label in labels.items()}
        usual = _FILM_GENRES.union(_loose_key(name) for alias in ALIASES for name in alias.names)
        plurals = {f"{key}s": genres for key, genres in (own | known).items() if key in usual}
        singulars = {key: own[f"{key}s"] for key in usual if f"{key}s" in own}
        self._aliases = {
            key: Found(genres, "alias")
            for key, genres in (plurals | known | singulars | own).items()
            if len(spellings.get(key, ())) < 2
        }

    def find(self, name: str) -> Found | None:
        """Return the genres that a name stands for; None if it is not known."""
        if name in self._names:
            return Found((name,), "same")
        label = self._by_key.get(name_key(name))
        if label is not None:
            return Found((label,), "spelling")
        return self._aliases.get(_loose_key(name))

    def nearest(self, name: str) -> str | None:
        """Return the genre whose name is most like a name that is not known; None: none is."""
        near = get_close_matches(name_key(name), self._by_key, n=1, cutoff=_NEAR)
        return self._by_key[near[0]] if near else None
