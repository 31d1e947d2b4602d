"""How a run was made: the content of its provenance.json."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from genre_batch.dataset.dataset import Dataset
from genre_batch.dataset.extra import ExtraFilms
from genre_batch.model.text import uses_title
from genre_batch.options import StrPath, flat_values
from genre_batch.runs.starting_point import StartingPoint
from genre_batch.version import versions

__all__ = ["TitlesRead", "catalog_name", "file_provenance", "run_provenance", "titles_read"]

TitlesRead: TypeAlias = Literal["sometimes", "always", "never"]
"""Whether the training texts of a model had titles: a teacher predicts only such texts."""

_MAX_LEFT_OUT = 10_000
"""The genres of the catalog that a model does not learn are listed in its file, up to so many."""
_ARCHITECTURES = {"distilbert": "DistilBERT", "mpnet": "MPNet", "bert": "BERT"}


def _name(encoder: StrPath) -> str:
    """Return a folder's name without its path, which is private; any other name as it is."""
    name = os.fspath(encoder)
    return os.path.basename(os.path.abspath(name)) if os.path.isdir(name) else name


def catalog_name(job: Any) -> str:
    """Return the name of a `TrainJob`'s catalog without its folder, which is private."""
    files = job.reading.locate_all(job.catalog).each_file
    names = [os.path.basename(file.name) for file in files]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"


def _split_name(job: Any) -> str:
    if job.part_column is not None:
        return f"column {job.part_column}"
    return f"drawn, seed {job.options.seed}" if job.split is None else Path(job.split).name


def file_provenance(path: StrPath | None) -> dict[str, str] | None:
    """Return the name and the SHA-256 of a file that a job names; None if it names none."""
    if path is None:
        return None
    return {"file": Path(path).name, "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest()}


def titles_read(template: str, provenance: Mapping[str, Any]) -> TitlesRead:
    """Return whether a model's training texts had titles, from its text template and provenance."""
    options = provenance.get("options")
    dropout = options.get("title_dropout") if isinstance(options, Mapping) else None
    if not uses_title(template) or dropout == 1:
        return "never"
    return "always" if dropout == 0 else "sometimes"


def run_provenance(
    job: Any,
    dataset: Dataset,
    extras: Iterable[ExtraFilms],
    config: Any,
    start: StartingPoint | None = None,
) -> dict[str, Any]:
    """Return the content of a run's provenance.json, but for its teachers.

    Args:
        job: a `TrainJob`.
        dataset: the catalog's films.
        extras: the films of `extra_train`.
        config: the model's configuration.
        start: what the run starts from; None: its base model.
    """
    base_model = _name(job.base_model)
    if start is not None:
        base_model = start.provenance.get("base_model") or start.films.name
    return {
        "base_model": base_model,
        "init_from": None if start is None else start.record,
        "aligned_to": None if job.align_to is None else _name(job.align_to),
        "architecture": _ARCHITECTURES.get(config.model_type, config.model_type),
        "shape": [
            config.num_hidden_layers,
            config.hidden_size,
            config.num_attention_heads,
            getattr(config, "hidden_dim", None) or config.intermediate_size,
        ],
        "recipe": job.recipe,
        "options": flat_values(job.options),
        "with_title": job.with_title,
        "row_name": job.row_name,
        "protocol": job.protocol,
        "split": _split_name(job),
        "thresholds": job.thresholds,
        "seed": job.options.seed,
        "group": job.group,
        "soft_labels": job.soft_labels,
        "genre_map": file_provenance(job.columns.genre_map),
        "exclude_genres": list(job.exclude_genres or ()) or None,
        "left_out_genres": list(dataset.excluded[:_MAX_LEFT_OUT]) or None,
        "data": [
            {"file": catalog_name(job), "sha256": dataset.sha256, "films": len(dataset)},
            *(extra.provenance for extra in extras),
        ],
        "versions": versions(),
    }
