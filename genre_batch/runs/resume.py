"""Preparing a resumed run: check its options, and repair its folder."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from genre_batch.dataset.dataset import Dataset, read_dataset
from genre_batch.errors import GenreBatchWarning, TrainingError
from genre_batch.files import replacing_path, write_text
from genre_batch.runs.folder import RunFolder, is_readable
from genre_batch.runs.integrity import drop_checksums, is_whole, read_checksums

__all__ = [
    "check_same_run",
    "keep_lines",
    "last_checkpoint",
    "repair",
    "restore",
    "resume_point",
    "warn_of_damage",
]

_LONGEST_VALUE = 40
"""Characters of a value in a message."""


def restore(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file of a run again if it is missing or damaged and its content is known.

    Args:
        path: the file; its folder's list of checksums has that of its former content.
        write: writes the content that it would have now to a path.

    Raises:
        TrainingError: it had another content, or its checksum is not known.
    """
    checksum = read_checksums(path.parent).get(path.name)
    if is_readable(path) and (checksum is None or is_whole(path, checksum)):
        return
    with replacing_path(path) as temporary:
        write(temporary)
        if checksum is None or not is_whole(temporary, checksum):
            raise TrainingError(
                f"{path} is missing or damaged, and what this command would write differs from "
                f"what it was: repeat the exact command that began the run, or choose another "
                f"`folder`"
            )
    warn_of_damage(path, "it was written again")


def repair(folder: RunFolder) -> list[Path]:
    """Remove the damaged files of a run, so that they are made again, and warn of each.

    Of a log, the lines that can be read are kept.

    Returns:
        The files that are missing now.
    """
    folder.place_model()
    removed = []
    for path in folder.damaged():
        if path.suffix == ".jsonl":
            lines = folder.read_log(path)
            write_text(path, "".join(json.dumps(line) + "\n" for line in lines))
            warn_of_damage(path, "it keeps the lines that can be read")
        else:
            is_weights = path == folder.weights
            warn_of_damage(path, "training is repeated" if is_weights else "it is written again")
            path.unlink(missing_ok=True)
            removed.append(path)
    drop_checksums(folder.path, removed)
    return removed


def warn_of_damage(path: Path, done: str) -> None:
    """Warn that a file is missing or damaged, and of what is done about it."""
    warnings.warn(f"{path} is missing or damaged: {done}", GenreBatchWarning, stacklevel=2)


def last_checkpoint(folder: Path) -> tuple[str | None, int]:
    """Return the newest whole checkpoint and the number of epochs that it completes, or (None, 0).

    Checkpoints that are not whole are removed, with a warning.

    Args:
        folder: the Trainer's output folder.
    """
    complete: dict[int, tuple[str | None, int]] = {0: (None, 0)}
    broken: list[Path] = []
    for state in sorted(folder.glob("checkpoint-*/trainer_state.json")):
        checksums = read_checksums(state.parent)
        checksums.setdefault(state.name, "")
        paths = {state.with_name(name): checksum for name, checksum in checksums.items()}
        damaged = [path for path, checksum in paths.items() if not is_whole(path, checksum)]
        if damaged:
            broken.append(damaged[0])
        else:
            content = json.loads(state.read_text(encoding="utf-8"))
            complete[content["global_step"]] = str(state.parent), int(content["epoch"])
    step = max(complete)
    consequence = f"training goes back to step {step}" if step else "training starts again"
    for path in broken:
        warn_of_damage(path, consequence)
        shutil.rmtree(path.parent)
    return complete[step]


def resume_point(folder: RunFolder, keep: str) -> tuple[str | None, int]:
    """Return the checkpoint that fine-tuning resumes from, and its epoch, or (None, 0).

    Args:
        folder: the run's folder.
        keep: the option `keep`: with `best`, the weights of the best of the completed epochs are
            needed too.
    """
    checkpoint, epochs = last_checkpoint(folder.checkpoints)
    if keep == "best" and not is_whole(folder.best_epoch):
        folder.best_epoch.unlink(missing_ok=True)
        if epochs:
            warn_of_damage(folder.best_epoch, "training starts again")
            # The Trainer keeps those of the most steps: it would remove the new ones.
            for old in folder.checkpoints.glob("checkpoint-*"):
                shutil.rmtree(old)
            return None, 0
    return checkpoint, epochs


def keep_lines(log: Path, epochs: int) -> None:
    """Cut a log to its first epochs: one whose checkpoint is missing is logged again."""
    lines = [line for line in RunFolder.read_log(log) if line["epoch"] <= epochs]
    write_text(log, "".join(json.dumps(line) + "\n" for line in lines))


def check_same_run(
    folder: RunFolder,
    provenance: dict[str, Any],
    dataset: Dataset,
    defaults: dict[str, Any],
    training: Dataset,
) -> None:
    """Check that the run in the folder was started with the same options and films.

    Args:
        folder: the folder of a run that has begun.
        provenance: the one that the run would have now.
        dataset: the films that it would have now.
        defaults: each training option's default, which a run begun before the option existed
            has.
        training: the films that it would train on: those of `dataset`, then the further ones.

    Raises:
        TrainingError: they differ.
    """
    before = folder.read_json(folder.provenance)
    before.setdefault("row_name", "films")
    before["options"] = defaults | before.get("options", {})
    for extra in before.get("data", ())[1:]:
        extra.setdefault("weight", 1.0)
    differing = [
        difference
        for key, value in provenance.items()
        if key != "versions" and before.get(key) != value
        for difference in _differences(key, before.get(key), value)
    ]
    if differing:
        raise TrainingError(
            f"{folder.path} was started with other options: {'; '.join(dict.fromkeys(differing))}: "
            f"repeat the command that began it, or choose another `folder`"
        )
    if not _same_films(read_dataset(folder.splits), dataset):
        raise TrainingError(
            f"{folder.path} was started with other columns or another split: "
            f"repeat the command that began it, or choose another `folder`"
        )
    further = training.take(range(len(dataset.part("train")), len(training)))
    checksum = read_checksums(folder.path).get(folder.extra.name)
    if is_whole(folder.extra, checksum) and not _same_films(read_dataset(folder.extra), further):
        raise TrainingError(
            f"{folder.path} was started with other columns or genres of `extra_train`: "
            f"repeat the command that began it, or choose another `folder`"
        )


def _same_films(one: Dataset, other: Dataset) -> bool:
    same = all(getattr(one, name) == getattr(other, name) for name in ("texts", "parts", "names"))
    labels = one.training_labels, other.training_labels
    return same and np.array_equal(*labels, equal_nan=True)


def _differences(key: str, before: Any, now: Any) -> list[str]:
    """Describe how one entry of a provenance differs: of several options, each that does."""
    if key == "data":
        if _without_weights(before) == _without_weights(now):
            return ["the weights of `extra_train` have changed"]
        return ["the catalog, or `extra_train`, is another file, or its content has changed"]
    if key == "init_from":
        was, is_now = ("not set" if run is None else run["model"] for run in (before, now))
        problem = f"is {is_now} here and {was} in the run" if was != is_now else "has changed"
        return [f"`init_from` {problem}"]
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            difference
            for name in sorted(before.keys() | now.keys())
            if before.get(name) != now.get(name)
            for difference in _differences(name, before.get(name), now.get(name))
        ]
    name = {"aligned_to": "align_to", "shape": "base_model", "architecture": "base_model"}.get(key)
    what = f"`{name or key}`" + (f" has another {key}," if name in ("base_model",) else " is")
    return [f"{what} {_shortened(now)} here and {_shortened(before)} in the run"]


def _without_weights(data: Any) -> list[dict[str, Any]]:
    return [entry | {"weight": None} for entry in data or ()]


def _shortened(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
