"""Whether what a run writes fits on its file system: known before training, not after an epoch.

The estimates are lower bounds, so that a run is only refused if it cannot succeed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import TrainingError
from genre_batch.options import StrPath
from genre_batch.runs.folder import RunFolder, Stage

__all__ = ["check_free", "check_run_fits", "encoder_sizes", "free_bytes", "run_bytes", "size_text"]

_FLOAT = 4
"""Bytes of a float32."""
_KEPT_CHECKPOINTS = 2
"""Checkpoints that are kept; the one before them is removed once the next is written."""
_LAYER = re.compile(r"\blayer\.(\d+)\.")
_HEADS = re.compile(r"\b(pooler|cls|lm_head|vocab_\w+|pre_classifier|classifier)\.|position_ids$")
"""Tensors in a file of weights that do not become part of the encoder."""
_MOST_HEADER = 100 << 20


def free_bytes(path: StrPath) -> int | None:
    """Return the bytes that can be written to the file system of a path, which need not exist.

    Returns:
        None if that is not known: file systems over a network may have no figures.
    """
    folder = os.path.realpath(path)
    while not os.path.exists(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    try:
        found = os.statvfs(folder)
    except (AttributeError, OSError):  # AttributeError: not a POSIX system
        return None
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail
    return blocks * found.f_frsize if found.f_blocks else None


def size_text(size: int) -> str:
    """Return a number of bytes in gigabytes, megabytes or kilobytes."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{math.ceil(size / 1000)} kB"


def check_free(path: StrPath, needed: int, what: str, advice: str) -> None:
    """Check that a file system has space.

    Args:
        path: a file or folder on it, which need not exist.
        needed: the bytes that will be written at the least.
        what: what writes them, for the message.
        advice: what to do besides freeing space.

    Raises:
        TrainingError: it certainly has too little.
    """
    free = free_bytes(path)
    if free is not None and free < needed:
        raise TrainingError(
            f"{os.fspath(path)}: {what} writes at least {size_text(needed)}, and the disk has "
            f"{size_text(free)} free: free some space, or {advice}"
        )


def check_run_fits(folder: RunFolder, model: Any, films: Dataset, options: Any) -> None:
    """Check that what a run still has to write fits on the file system of its folder.

    Args:
        folder: the run's folder.
        model: the torch module that will be trained.
        films: the films to train on.
        options: the run's `TrainingOptions`.

    Raises:
        TrainingError: it certainly does not.
    """
    if folder.stage >= Stage.TRAINED:
        return
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    vectors = 0
    if options.model.freeze_layers and not options.optimization.masking:
        texts = [films.texts, films.bare_texts][: 2 if options.optimization.title_dropout else 1]
        if any(name.startswith("encoder.encoder.layer.") for name in sizes):
            tokens = sum(_tokens(kind, options.model.max_length) for kind in texts)
            vectors = tokens * model.config.hidden_size * _FLOAT // 2
    needed = run_bytes(sizes, options, vectors) - _bytes_in(folder.checkpoints)
    check_free(folder.path, needed, "training", "choose another `folder`")


def _tokens(texts: Sequence[str], most: int) -> int:
    """Return the tokens of texts at the least: a word and each end of a text have one."""
    return sum(min(most, len(text.split()) + 2) for text in texts)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def run_bytes(sizes: Mapping[str, int], options: Any, vectors: int = 0) -> int:
    """Return the bytes that training writes at the least, at the moment when it needs most.

    A checkpoint has the weights that are trained, AdamW's two moments of each, and the moving
    average. The saved model is written while checkpoints are still there.

    Args:
        sizes: name of each parameter -> its number of values.
        options: the run's `TrainingOptions`.
        vectors: bytes of the outputs of frozen layers.
    """
    chosen: Any = options.optimization
    all_weights = _FLOAT * sum(sizes.values())
    trained = all_weights - _FLOAT * _frozen(sizes, options.model.freeze_layers)
    checkpoint = 3 * trained + (all_weights if chosen.averaging else 0)
    during = min(_KEPT_CHECKPOINTS + 1, chosen.epochs) * checkpoint
    at_end = min(_KEPT_CHECKPOINTS, chosen.epochs) * checkpoint + all_weights
    best = all_weights if chosen.keep == "best" else 0
    return vectors + best + int(max(during, at_end))


def _frozen(sizes: Mapping[str, int], layers: int) -> int:
    """Return the number of values of the embeddings and the lowest layers; 0 for no layers."""
    if not layers:
        return 0
    return sum(
        size
        for name, size in sizes.items()
        if "embeddings." in name or ((number := _layer(name)) is not None and number < layers)
    )


def _layer(name: str) -> int | None:
    """Return the number of the layer that a parameter is in; None: in none."""
    match = _LAYER.search(name)
    return None if match is None else int(match[1])


def encoder_sizes(folder: StrPath, layers: int | None = None) -> dict[str, int] | None:
    """Return the number of values of each parameter of an encoder, without loading it.

    Args:
        folder: a folder with the file model.safetensors.
        layers: the number of layers that are kept; None: all.

    Returns:
        None if there is no such file, or it cannot be read.
    """
    try:
        with Path(folder, "model.safetensors").open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, _MOST_HEADER)))
        sizes = {
            name: math.prod(tensor["shape"])
            for name, tensor in header.items()
            if name != "__metadata__" and not _HEADS.search(name)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    most = math.inf if layers is None else layers
    return {name: size for name, size in sizes.items() if (_layer(name) or 0) < most}
