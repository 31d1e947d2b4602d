"""What all systems of a comparison have in common: a folder holds those of one catalog and job."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from genre_batch.catalog.options import ColumnOptions, ReadingOptions
from genre_batch.comparison.job import CompareJob
from genre_batch.dataset.labelled import sha256_of
from genre_batch.errors import TrainingError
from genre_batch.model.shipped import model_path
from genre_batch.runs.integrity import is_whole
from genre_batch.runs.provenance import file_provenance
from genre_batch.version import versions

__all__ = ["check_same_comparison", "comparison_provenance"]

_NEWER = {"reading", "genre_map", "no_aliases", "labels"}
"""Entries that folders of earlier versions lack, where they are null."""


def comparison_provenance(job: CompareJob) -> dict[str, Any]:
    """Return what all rows of one folder have in common."""
    catalog, split, oversampled = job.locate()
    return {
        "catalog_sha256": sha256_of(catalog),
        "split_sha256": None if split is None else sha256_of(split),
        "oversampled_sha256": None if oversampled is None else sha256_of(oversampled),
        "columns": {
            "text": job.columns.text_column,
            "title": job.columns.title_column,
            "genre": job.columns.genre_column,
            "separator": job.columns.genre_separator,
        },
        "reading": None if job.reading == ReadingOptions() else asdict(job.reading),
        "genre_map": file_provenance(job.columns.genre_map),
        "labels": _label_options(job.columns),
        "no_aliases": job.columns.no_aliases or None,
        "base_model": job.base_model,
        "bert_model": job.bert_model or job.base_model,
        "model": None if job.model is None else file_provenance(model_path(job.model)),
        "seed": job.seed,
        "quick": job.quick,
        "versions": versions(),
    }


def _label_options(columns: ColumnOptions) -> dict[str, Any] | None:
    """Return the options that decide labels beside the genre column; None if none is set."""
    options = {
        "columns": list(columns.label_columns or ()) or None,
        "names": file_provenance(columns.label_names),
        "empty": columns.empty,
        "group_rows": columns.group_rows or None,
    }
    return options if any(options.values()) else None


def check_same_comparison(saved: Path, provenance: dict[str, Any], *, begun: bool) -> None:
    """Check that a comparison's folder was begun with the same options.

    Args:
        saved: the folder's provenance.json.
        provenance: what it would be now.
        begun: the folder holds work of these options; if not, others may replace them.

    Raises:
        TrainingError: it was not, or the file is missing or damaged.
    """
    folder = saved.parent
    if not saved.exists():
        raise TrainingError(
            f"{folder} is not empty and holds no comparison: choose another `output`"
        )
    if not is_whole(saved, keys=provenance.keys() - _NEWER):
        raise TrainingError(
            f"{saved} is damaged, so that its options cannot be compared: choose another `output`"
        )
    if not begun:
        return
    before = json.loads(saved.read_text(encoding="utf-8"))
    for key, value in provenance.items():
        if before.get(key) != value and key != "versions":
            raise TrainingError(
                f"{folder} holds a comparison with another {key}: {before.get(key)!r}, now "
                f"{value!r}: use the same options, or choose another `output`"
            )
