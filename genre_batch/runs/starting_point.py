"""What a run starts from instead of a base model: a finished run, or an exported model."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from genre_batch.dataset.dataset import read_dataset
from genre_batch.dataset.earlier import EarlierFilms
from genre_batch.dataset.labelled_columns import stored_separator
from genre_batch.dataset.load import Further, ReadingOptions
from genre_batch.errors import TrainingError
from genre_batch.failures import failures_as
from genre_batch.model.metadata import ModelFile, read_model_file
from genre_batch.model.shipped import SHIPPED_MODELS, model_path
from genre_batch.model.text import uses_title
from genre_batch.names import name_key
from genre_batch.options import StrPath, flat_values
from genre_batch.path_checks import check_input_folder
from genre_batch.paths import is_model_name
from genre_batch.runs.films import earlier_films, training_films
from genre_batch.runs.folder import RunFolder, is_readable
from genre_batch.runs.integrity import read_checksums

__all__ = ["NOT_INHERITED", "StartingPoint", "read_starting_point"]

NOT_INHERITED = {
    *("init_from", "base_model", "layers", "ffn_width", "activation"),
    *("split", "part_column", "extra_train", "teachers", "recombined", "align_to"),
    *flat_values(ReadingOptions()).keys() - {"null_values"},
}
"""Options that a run does not take over from the one that it starts from, by name: they depend on
other files, or the encoder has them already."""

_OF_ITS_DATA = {
    *("text_column", "title_column", "genre_column", "genre_separator", "empty"),
    *("group", "soft_labels"),
}
"""Options that an exported model does not hand on either: its metadata has the columns that were
found in its catalog, whether or not anyone named them."""

_RECORDED = ("base_model", "recipe", "data")
"""Keys of the earlier run's provenance that are copied into the new one's."""


@dataclass(frozen=True, eq=False)
class StartingPoint:
    """A finished run or an exported model that training continues from.

    Attributes:
        path: as the user gave it.
        labels: its genres, in the order of its head's rows.
        films: the films that it used.
        provenance: how it was made.
        sha256: of its weights, or of the model file.
        options: the values of its recipe that the new run takes over, by key.
        file: the exported model; None: `path` is a run folder.
    """

    path: str
    labels: tuple[str, ...]
    films: EarlierFilms
    provenance: dict[str, Any]
    sha256: str
    options: dict[str, Any]
    file: ModelFile | None = None

    def head_rows(self, names: Sequence[str]) -> dict[int, int]:
        """Return new genre -> genre of this model with the same name, by their positions.

        A name that differs in case, space or width is the same if no other genre has it exactly.
        """
        exact = {name: index for index, name in enumerate(self.labels)}
        rows = {new: exact[name] for new, name in enumerate(names) if name in exact}
        others = {
            name_key(name): index
            for name, index in reversed(exact.items())
            if index not in rows.values()
        }
        for new, name in enumerate(names):
            if new not in rows and name_key(name) in others:
                rows[new] = others.pop(name_key(name))
        return rows

    def further(self, given: Further) -> Further:
        """Return `given`, which may exclude genres that only the earlier run had.

        The columns that an exported model was trained on are preferred to others.
        """
        excluded = tuple(self.options.get("exclude_genres") or ())
        columns = None if self.file is None else self.file.metadata.columns
        return replace(given, inherited=excluded, trained_columns=columns)

    @cached_property
    def record(self) -> dict[str, Any]:
        """What the new run's provenance records of it."""
        earlier = {key: self.provenance.get(key) for key in _RECORDED}
        return {"model": self.films.name, "sha256": self.sha256, **earlier}


def read_starting_point(path: StrPath) -> StartingPoint:
    """Read what a run is to start from, all but the weights.

    Args:
        path: the folder of a finished run, an exported .onnx, or the name of a shipped model.

    Raises:
        UsageError: there is no such folder or file.
        TrainingError: the folder is not a run's, or the run is not finished or damaged.
        ModelError: the file is not a genre-batch model.
    """
    name = os.fspath(path)
    if is_model_name(name) or name in SHIPPED_MODELS:
        return _of_model(name)
    check_input_folder(name, "`init_from`")
    folder = RunFolder(Path(name))
    is_run = folder.is_begun or folder.splits.exists()
    if not is_run and (folder.path / "config.json").exists():
        raise TrainingError(
            f"`init_from`: {name} is not a run folder ({folder.splits.name} is missing): start "
            f"from an encoder with `base_model` {name}"
        )
    with failures_as(TrainingError, name):
        folder.check_finished()
        return _of_run(name, folder)


def _of_run(name: str, folder: RunFolder) -> StartingPoint:
    title = os.path.basename(os.path.abspath(name))
    films = read_dataset(folder.splits)
    provenance = folder.read_json(folder.provenance)
    options = _options(provenance, films.template, films.used_columns)
    if is_readable(folder.recipe):
        options = tomllib.loads(folder.recipe.read_text(encoding="utf-8"))
    return StartingPoint(
        name,
        tuple(films.names),
        earlier_films(folder, title).joined(films).joined(training_films(folder)),
        provenance,
        read_checksums(folder.path).get(folder.weights.name, ""),
        _inherited(options),
    )


def _of_model(name: str) -> StartingPoint:
    file = read_model_file(model_path(name))
    metadata, provenance = file.metadata, dict(file.metadata.provenance)
    keys = {"train": metadata.training_text_keys}
    films = EarlierFilms(file.path.name, keys, metadata.text_key_version, False)
    options = _options(provenance, metadata.text_template, metadata.columns)
    options["row_name"] = metadata.row_name
    options = {key: value for key, value in options.items() if key not in _OF_ITS_DATA}
    return StartingPoint(
        name, metadata.labels, films, provenance, file.sha256, _inherited(options), file
    )


def _options(
    provenance: Mapping[str, Any], template: str, columns: Mapping[str, str | None]
) -> dict[str, Any]:
    """Return the values of a recipe, as far as they are known without its file."""
    known = ("protocol", "thresholds", "row_name", "group", "soft_labels", "exclude_genres")
    options = provenance.get("options")
    return {
        **(options if isinstance(options, Mapping) else {}),
        **{key: provenance.get(key) for key in known},
        "with_title": uses_title(template),
        "text_column": columns.get("text"),
        "title_column": columns.get("title"),
        "genre_column": columns.get("genres"),
        "genre_separator": stored_separator(columns),
        "empty": columns.get("empty"),
    }


def _inherited(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in options.items()
        if key not in NOT_INHERITED and value is not None
    }
