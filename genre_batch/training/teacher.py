"""Teachers: finished runs whose probabilities a smaller model learns from.

Distillation as in Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network":
the student learns the labels and what its teachers make of the same texts.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from genre_batch.errors import TrainingError
from genre_batch.training.base_model import load_checkpoint
from genre_batch.training.dataset import Dataset, concatenate, read_dataset
from genre_batch.training.finetune import Progress
from genre_batch.training.folds import Fold
from genre_batch.training.prediction import predict
from genre_batch.training.run_folder import RunFolder

__all__ = ["Targets", "check_teacher", "folds_of", "teach"]

Targets = npt.NDArray[np.float32]
"""(2, films, genres): the teachers' mean probabilities, of `texts` and of `bare_texts`."""


def check_teacher(folder: Path, dataset: Dataset) -> dict[str, Any]:
    """That a run may teach on this split.

    Args:
        folder: the teacher's run.
        dataset: the student's films, split.

    Returns:
        What the student's provenance says of it.

    Raises:
        TrainingError: it is no finished run, knows other genres, or has learnt from films that are
            held out here, whose labels it would pass on.
    """
    run = RunFolder(folder)
    provenance = run.read_json(run.provenance)
    run.read_json(run.metrics)
    learnt = read_dataset(run.splits)
    if learnt.names != dataset.names:
        raise TrainingError(
            f"the teacher {folder} knows other genres than this catalog has: train it on this one"
        )
    films = learnt.part("train")
    if run.extra.exists():
        films = concatenate(films, read_dataset(run.extra))
    leaked = int(np.isin(dataset.part("dev", "test").keys, films.keys).sum())
    if leaked:
        raise TrainingError(
            f"the teacher {folder} was trained on {leaked:,} films of this split's dev and test "
            f"parts: train it with the same --split"
        )
    said = {
        key: provenance.get(key)
        for key in ("base_model", "architecture", "shape", "options", "teachers", "data")
    }
    also = {key: provenance.get(key) for key in ("aligned_to", "left_out")}
    return said | {key: value for key, value in also.items() if value}


def _left_out(folder: Path) -> Fold | None:
    """The fold of the training films that a teacher did not learn from."""
    run = RunFolder(folder)
    written = run.read_json(run.provenance).get("left_out")
    return Fold.parse(written) if written else None


def folds_of(folders: Sequence[Path]) -> int:
    """How many folds the training films are in for these teachers; 1: none of them left any out.

    Args:
        folders: the teachers' runs.

    Raises:
        TrainingError: they left out folds of different sizes, or there are films that none of them
            may speak about, for all have learnt from them and left out others.
    """
    left_out = {folder: fold for folder in folders if (fold := _left_out(folder)) is not None}
    sizes = {fold.of: folder for folder, fold in left_out.items()}
    if not sizes:
        return 1
    if len(sizes) > 1:
        (one, first), (other, second) = sorted(sizes.items())[:2]
        raise TrainingError(
            f"the teacher {first} left out one of {one} folds, {second} one of {other}: "
            f"train all with folds of one size"
        )
    (of,) = sizes
    missing = set(range(1, of + 1)) - {fold.number for fold in left_out.values()}
    if missing and len(left_out) == len(folders):
        fold = Fold(min(missing), of)
        raise TrainingError(
            f"no teacher may speak about the films of fold {fold}: add one that was trained with "
            f"--leave-out {fold}, or one that left none out"
        )
    return of


def teach(folders: Sequence[Path], films: Dataset, progress: Progress) -> Targets:
    """The mean of the teachers' probabilities of every film, with and without its title.

    A teacher that left out a fold of the training films is asked about the films of that fold
    alone: of the others it knows the labels. Answers are kept in the teacher's own folder: asked
    for the same films again it need not think again, and a student's run that was broken off goes
    on with the very same targets.

    Args:
        folders: the teachers' runs, at least one, which `folds_of` finds in order.
        films: whose genres are in the teachers' order.
        progress: is told how many texts of each teacher are done.
    """
    total: Targets = np.zeros((2, *films.labels.shape), dtype=np.float32)
    asked = np.zeros((len(films), 1), dtype=np.float32)
    for folder in folders:
        fold = _left_out(folder)
        if fold is None:
            total += _answers(folder, films, progress)
            asked += 1
        else:
            rows = np.flatnonzero(fold.holds(films.keys))
            if len(rows):
                total[:, rows] += _answers(folder, films.take(rows.tolist()), progress)
                asked[rows] += 1
    return total / asked


def _answers(folder: Path, films: Dataset, progress: Progress) -> Targets:
    kept = folder / f"answers-{_key(films)}.npy"
    if kept.exists():
        answers: Targets = np.load(kept, allow_pickle=False)
        return answers
    answers = _ask(folder, films, progress)
    partial = kept.with_suffix(f".{os.getpid()}.partial")
    with contextlib.suppress(OSError):  # a folder that is not ours to write in
        with partial.open("wb") as file:
            np.save(file, answers, allow_pickle=False)
        partial.replace(kept)
    return answers


def _key(films: Dataset) -> str:
    """What the answers depend on, besides the teacher."""
    texts = "\0".join([*films.texts, *films.bare_texts])
    return hashlib.sha256(texts.encode("utf-8")).hexdigest()[:16]


def _ask(folder: Path, films: Dataset, progress: Progress) -> Targets:
    model, tokenizer = load_checkpoint(folder)
    run = RunFolder(folder)
    length = run.read_json(run.provenance)["options"]["max_length"]
    variants = [films.texts]
    if films.bare_texts != films.texts:
        variants.append(films.bare_texts)
    total = len(variants) * len(films)

    def ask(number: int) -> npt.NDArray[np.float32]:
        def told(done: int) -> None:
            progress(number * len(films) + done, total, "asking the teacher")

        return predict(model, tokenizer, variants[number], length, fast=True, told=told)

    answers = [ask(number) for number in range(len(variants))]
    return np.stack([answers[0], answers[-1]])
