"""Which genres of a catalog are learned, and under which of their spellings."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from genre_batch.catalog.odd_names import odd_names_problem
from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.labelled import LabelledCatalog
from genre_batch.dataset.split import PARTS
from genre_batch.errors import CatalogError, GenreBatchWarning, TrainingError
from genre_batch.names import name_key, name_problem
from genre_batch.options import FLAG, Checked, integer

__all__ = ["LabelOptions", "choose_labels", "films_of_labels", "listed_names", "trained_labels"]

_SHOWN = 5


@dataclass(frozen=True)
class LabelOptions(Checked):
    """Which genres are learned.

    Attributes:
        min_films: genres with fewer films, counted by distinct overviews, are left out.
        merge_labels: read spellings that differ only in case, space or width as the most frequent
            one of them.
    """

    min_films: int = field(default=1, metadata=integer(1))
    merge_labels: bool = field(default=False, metadata=FLAG)


def listed_names(counts: Mapping[str, int]) -> str:
    """Return the first names with their numbers of films, for a message."""
    shown = ", ".join(f"{name!r} ({count:,})" for name, count in list(counts.items())[:_SHOWN])
    return shown + (f" and {len(counts) - _SHOWN:,} others" if len(counts) > _SHOWN else "")


def films_of_labels(catalog: LabelledCatalog) -> Counter[str]:
    """Return genre -> number of distinct overviews that have it, most frequent first."""
    pairs = {
        (name, key)
        for names, key, has_text in zip(
            catalog.genres, catalog.keys.tolist(), catalog.has_text.tolist(), strict=True
        )
        if has_text
        for name in names
    }
    counts = Counter(name for name, _ in pairs)
    return Counter(dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def choose_labels(
    catalog: LabelledCatalog, options: LabelOptions
) -> tuple[LabelledCatalog, list[str]]:
    """Merge spellings, leave out rare genres, and check the names of the others.

    Returns:
        The catalog with the merged spellings, and the sorted genres to learn.

    Raises:
        CatalogError: a model cannot have a genre of such a name, or so many of them.
        TrainingError: no genre has enough films.
    """
    if options.merge_labels:
        catalog = _merged(catalog)
    counts = films_of_labels(catalog)
    _warn_of_odd(catalog, counts)
    rare = {name: count for name, count in counts.items() if count < options.min_films}
    names = sorted(counts.keys() - rare.keys())
    if rare and not names:
        raise TrainingError(
            f"{catalog.name}: no genre has {options.min_films} films: {listed_names(rare)}; check "
            f"`genre_column` and `genre_separator`, or lower `min_films`"
        )
    problem = name_problem(names)
    if problem is not None:
        raise CatalogError(
            f"{catalog.name}: {problem}: check `genre_column` and `genre_separator`, or rename it"
        )
    if rare:
        warnings.warn(
            f"{catalog.name}: genres with fewer than {options.min_films} films are left out: "
            f"{listed_names(rare)}; `min_films` 1 keeps them",
            GenreBatchWarning,
            stacklevel=2,
        )
    return catalog, names


def _warn_of_odd(catalog: LabelledCatalog, names: Collection[str]) -> None:
    if catalog.columns.label_columns:
        return
    problem = odd_names_problem(names, catalog.columns.genres)
    if problem is not None:
        warnings.warn(f"{catalog.name}: {problem}", GenreBatchWarning, stacklevel=3)


def _merged(catalog: LabelledCatalog) -> LabelledCatalog:
    """Return the catalog with one spelling of each genre, the most frequent one."""
    counts = films_of_labels(catalog)
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    for name in counts:  # most frequent first
        spellings[name_key(name)].append(name)
    merged = {name: names[0] for names in spellings.values() for name in names[1:]}
    if not merged:
        return catalog
    shown = ", ".join(f"{name!r} as {chosen!r}" for name, chosen in list(merged.items())[:_SHOWN])
    warnings.warn(
        f"{catalog.name}: genres are merged: {shown}"
        f"{f' and {len(merged) - _SHOWN:,} others' if len(merged) > _SHOWN else ''}",
        GenreBatchWarning,
        stacklevel=3,
    )
    return catalog.with_genres([_renamed(names, merged) for names in catalog.genres])


def _renamed(names: Iterable[str], merged: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(merged.get(name, name) for name in names))


def trained_labels(dataset: Dataset, name: str) -> Dataset:
    """Leave out genres without a film in the training part, and films that have no other genre.

    Args:
        dataset: films in parts.
        name: the catalog, for messages.

    Raises:
        TrainingError: dev or test has no film left.
    """
    in_training = np.array([part == "train" for part in dataset.parts], dtype=np.bool_)
    learned = np.asarray(dataset.labels[in_training].any(axis=0), dtype=np.bool_)
    if dataset.soft is not None:
        learned |= (np.nan_to_num(dataset.soft[in_training]) > 0).any(axis=0)
    if learned.all():
        return dataset
    counts = dataset.labels.sum(axis=0).tolist()
    never = {
        genre: count
        for genre, count, is_learned in zip(dataset.names, counts, learned.tolist(), strict=True)
        if not is_learned
    }
    warnings.warn(
        f"{name}: genres without a film in the training part are left out, there is no film to "
        f"learn them from: {listed_names(never)}",
        GenreBatchWarning,
        stacklevel=2,
    )
    had_labels = dataset.labels.any(axis=1)
    dataset = replace(
        dataset,
        names=[genre for genre in dataset.names if genre not in never],
        excluded=(*dataset.excluded, *never),
        labels=dataset.labels[:, learned],
        soft=None if dataset.soft is None else dataset.soft[:, learned],
    )
    kept = np.flatnonzero(dataset.labels.any(axis=1) | ~had_labels).tolist()
    films = replace(dataset.take(kept), dropped=dataset.dropped + len(dataset) - len(kept))
    for part in PARTS:
        if part not in films.parts:
            raise TrainingError(
                f"{name}: no film of {part} has a genre that a film of train has: add films, or "
                f"leave out rare genres with a higher `min_films`"
            )
    return films
