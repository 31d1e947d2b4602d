"""The part of each film: drawn, or from a split file, with all rows of a film in one part."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.earlier import EarlierFilms, group_parts
from genre_batch.dataset.split import DRAWN_GROUPS, PARTS, SplitFile, draw_dev, draw_split
from genre_batch.dataset.usable import Usable
from genre_batch.dataset.wordings import keep_together, linked
from genre_batch.errors import GenreBatchWarning, TrainingError, counted

__all__ = ["assign_parts"]


def assign_parts(
    usable: Usable,
    name: str,
    *,
    protocol: str,
    split: SplitFile | None,
    seed: int,
    earlier: EarlierFilms | None = None,
) -> Dataset:
    """Return the films of a catalog in their parts; arguments as for `load_dataset`.

    Args:
        usable: the catalog's films.
        name: the catalog's name, for messages.
        protocol: `clean` or `paper`.
        split: the part of each row; None: the split is drawn.
        seed: of the split.
        earlier: the films of the run that this one starts from: in a drawn split they keep their
            parts, and those that a given split would move into or out of train are left out.
    """
    by_text = protocol != "paper"
    if split is not None:
        films = _with_dev(_split_by_file(usable, split), split.name, seed, by_text=by_text)
    else:
        if not by_text:
            usable = usable.take(_first_of_each(usable.dataset))
        films = _draw(usable, name, seed, by_text=by_text, earlier=earlier)
    films = _one_part_per_film(films, name, by_text=by_text)
    if earlier is not None:
        films = _as_in_earlier_run(films, name, earlier, by_text=by_text)
    if split is None and not by_text:
        return films.dataset
    dataset = _without_held_out_copies(films.dataset, films.films)
    if split is not None:
        _check_parts(dataset, split.name)
        if by_text:
            _warn_of_shared_texts(dataset, split.name)
    return dataset


def _draw(
    usable: Usable, name: str, seed: int, *, by_text: bool, earlier: EarlierFilms | None
) -> Usable:
    """Draw the part of every film without soft labels that no earlier run has.

    If an earlier run has the others and those are too few to be split, they are trained on.

    Raises:
        TrainingError: there are too few films to fill three parts.
    """
    dataset, is_new = usable.dataset, ~usable.is_soft
    groups = _groups(dataset, by_text=by_text)
    known = np.full(len(dataset), "", dtype=object)
    if earlier is not None:
        known = group_parts(earlier.parts_of(dataset), groups)
    parts = np.where(known == "", "train", known)
    new = np.flatnonzero(is_new & (known == ""))
    distinct = len(np.unique(groups[new]))
    if not known.any() and distinct < DRAWN_GROUPS and usable.is_soft.any():
        raise TrainingError(
            f"{name}: {counted(int(usable.is_soft.sum()), 'row')} with soft labels, which are for "
            f"training only, and {counted(distinct, 'distinct text')} without, of which at least "
            f"{DRAWN_GROUPS} are needed for train, dev and test: add rows without soft labels"
        )
    if not known.any() and distinct < DRAWN_GROUPS <= len(new) and dataset.film_ids is not None:
        raise TrainingError(
            f"{name}: {counted(len(new), 'row')} of only {counted(distinct, 'film')} by `group` "
            f"cannot be split 70/20/10: at least {DRAWN_GROUPS} are needed: choose another column, "
            f"add films, or set `split`"
        )
    if not known.any() or distinct >= DRAWN_GROUPS:
        parts[new] = draw_split(dataset.labels[new], groups[new], seed)
    return replace(usable, dataset=replace(dataset, parts=parts.tolist()))


def _as_in_earlier_run(
    usable: Usable, name: str, earlier: EarlierFilms, *, by_text: bool
) -> Usable:
    """Leave out films that would be moved into or out of train, and warn of them.

    Raises:
        TrainingError: a part has no film left.
    """
    is_right = earlier.checked(usable.dataset, _groups(usable.dataset, by_text=by_text))
    moved = int((~is_right).sum())
    if moved:
        warnings.warn(
            f"{name}: {counted(moved, 'row')} left out: {earlier.name} has the film in another "
            f"part, and one run must not be scored on films that the other was trained on",
            GenreBatchWarning,
            stacklevel=3,
        )
    if not earlier.knows_held_out:
        warnings.warn(
            f"{earlier.name} does not record which films its run held out: this run may be trained "
            f"on some of them; set `init_from` to the folder of that run to keep them held out",
            GenreBatchWarning,
            stacklevel=3,
        )
    usable = usable.take(np.flatnonzero(is_right))
    for part in PARTS:
        if part not in usable.dataset.parts:
            counts = earlier.counts(usable.dataset).items()
            known = ", ".join(f"{old:,} {of_part}" for of_part, (old, _) in counts)
            raise TrainingError(
                f"{name}: no film is left for {part}: {earlier.name} has these films already "
                f"({known}), and they keep their parts: add at least {DRAWN_GROUPS} films that it "
                f"does not have"
            )
    return usable


def _groups(dataset: Dataset, *, by_text: bool = True) -> npt.NDArray[np.uint64]:
    """Return (films,) numbers, equal for rows that must be in one part.

    Args:
        dataset: the films.
        by_text: whether films with the same overview must be in one part.
    """
    if not by_text:
        own = np.arange(len(dataset), dtype=np.uint64)
        return own if dataset.film_ids is None else dataset.film_ids
    return dataset.keys if dataset.film_ids is None else linked(dataset.keys, dataset.film_ids)


def _one_part_per_film(usable: Usable, name: str, *, by_text: bool) -> Usable:
    """Put the wordings of a film into one part, and films with soft labels into no other."""
    dataset, is_soft = usable.dataset, usable.is_soft
    if dataset.film_ids is None and not is_soft.any():
        return usable
    groups = _groups(dataset, by_text=by_text)
    parts = np.where(is_soft, "train", dataset.parts)
    if dataset.film_ids is not None:
        hard = np.flatnonzero(~is_soft)
        parts[hard], several = keep_together(parts[hard].tolist(), groups[hard])
        if several:
            warnings.warn(
                f"{name}: {counted(several, 'film')} had rows in several parts of the split: all "
                f"of them are now in the part that is held out, test or else dev",
                GenreBatchWarning,
                stacklevel=2,
            )
    held_out = is_soft & np.isin(groups, groups[parts != "train"])
    if is_soft.any():
        moved = int((is_soft & (np.array(dataset.parts) != "train")).sum())
        warnings.warn(
            f"{name}: {counted(int(is_soft.sum()), 'row')} with soft labels only for training, of "
            f"which {moved:,} would be in dev or test; left out because their film is in dev or "
            f"test: {int(held_out.sum()):,}",
            GenreBatchWarning,
            stacklevel=2,
        )
    usable = replace(usable, dataset=replace(dataset, parts=parts.tolist()))
    return usable.take(np.flatnonzero(~held_out))


def _without_held_out_copies(dataset: Dataset, films: npt.NDArray[np.int64]) -> Dataset:
    """Leave copies out of dev and test, which measure films as they are."""
    is_film = (films == dataset.rows).tolist()
    return dataset.take(
        [index for index, part in enumerate(dataset.parts) if is_film[index] or part == "train"]
    )


def _first_of_each(dataset: Dataset) -> list[int]:
    """Return positions of the first film of each (text, genres), as the paper dropped repeats."""
    first: dict[tuple[str, bytes], int] = {}
    for index, (text, row) in enumerate(zip(dataset.bare_texts, dataset.labels, strict=True)):
        first.setdefault((text, row.tobytes()), index)
    return list(first.values())


def _split_by_file(usable: Usable, split_file: SplitFile) -> Usable:
    """Take the parts from a split file, by the row of each film; rows not in it are left out.

    Films with soft labels need not be in it.
    """
    split_file.check(
        len(usable.catalog), usable.films, usable.dataset.keys_as(split_file.key_version)
    )
    parts = split_file.parts
    in_split = np.array([film in parts for film in usable.films.tolist()], dtype=np.bool_)
    usable = usable.take(np.flatnonzero(in_split | usable.is_soft))
    split_parts = [parts.get(film, "train") for film in usable.films.tolist()]
    return replace(usable, dataset=replace(usable.dataset, parts=split_parts))


def _with_dev(usable: Usable, name: str, seed: int, *, by_text: bool) -> Usable:
    """Draw dev from train, and say so, if a split has train and test but no dev."""
    dataset = usable.dataset
    parts = np.array(dataset.parts, dtype=object)
    if {*dataset.parts} != {"train", "test"}:
        return usable
    training = np.flatnonzero((parts == "train") & ~usable.is_soft)
    groups = _groups(dataset, by_text=by_text)[training]
    if len(np.unique(groups)) < DRAWN_GROUPS:
        return usable
    parts[training] = draw_dev(dataset.labels[training], groups, seed)
    warnings.warn(
        f"{name} has no row for dev, on which thresholds are tuned: "
        f"{counted(int((parts == 'dev').sum()), 'row')} of train are drawn for it",
        GenreBatchWarning,
        stacklevel=4,
    )
    return replace(usable, dataset=replace(dataset, parts=parts.tolist()))


def _warn_of_shared_texts(dataset: Dataset, name: str) -> None:
    held_out = np.array(dataset.parts) != "train"
    shared = int(np.isin(dataset.keys[held_out], dataset.keys[~held_out]).sum())
    if shared:
        warnings.warn(
            f"{name}: {counted(shared, 'film')} of dev and test have the overview of a film of "
            f"train, and the model is scored too well on them: put films with the same overview "
            f"into one part, or leave the split out to draw one",
            GenreBatchWarning,
            stacklevel=3,
        )


def _check_parts(dataset: Dataset, name: str) -> None:
    for part in PARTS:
        if part not in dataset.parts:
            raise TrainingError(
                f"{name}: no usable row of the catalog is in the part {part!r}: a split "
                f"needs rows in {', '.join(PARTS)}"
            )
