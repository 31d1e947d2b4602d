"""Recipes: the options of a run in a TOML file of flat `key = value` lines."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from genre_batch.dataset.load import ColumnOptions, ReadingOptions
from genre_batch.errors import UsageError
from genre_batch.files import first_line
from genre_batch.options import StrPath, flat_values, from_flat_values
from genre_batch.training.options import TrainingOptions, TrainJob

__all__ = ["RECIPES", "Recipe", "read_recipe", "recipe_text"]

RECIPES = ("default", "paper", "teacher", "shipped")
"""The recipes of the package, each a file in `recipes`."""

_NOT_IN_RECIPES = {"catalog", "folder", "recipe", "resume"}
_KEYS = flat_values(TrainJob("", "")).keys() - _NOT_IN_RECIPES
_STRINGS = flat_values(ColumnOptions()).keys() | flat_values(ReadingOptions()).keys()
"""The keys whose values other rooms check, which expect strings."""


@dataclass(frozen=True)
class Recipe:
    """The values that a recipe sets; all others have their defaults.

    Attributes:
        name: one of `RECIPES`, or the name of the file.
        values: by option, as `flat_values` names them. Paths are relative to the working folder.
    """

    name: str
    values: Mapping[str, Any]

    def job(self, catalog: StrPath, folder: StrPath, **changes: Any) -> TrainJob:
        """Return the job of this recipe.

        Args:
            catalog: the labeled catalog.
            folder: the run's folder.
            **changes: values that override the recipe's, by option, and `resume`.

        Raises:
            TypeError: no option has such a name.
            UsageError: a value out of range.
        """
        unknown = changes.keys() - _KEYS - {"resume"}
        if unknown:
            raise TypeError(f"no training option {', '.join(sorted(unknown))}")
        places = {"catalog": catalog, "folder": folder, "recipe": self.name}
        return from_flat_values(TrainJob, {**self.values, **changes, **places})

    @property
    def options(self) -> TrainingOptions:
        """The training options of this recipe."""
        return self.job("", "").options


def read_recipe(recipe: StrPath) -> Recipe:
    """Read a recipe.

    Args:
        recipe: one of `RECIPES`, or a TOML file.

    Raises:
        UsageError: no such recipe or file, a file that is not TOML, an unknown key, or a value of
            the wrong type or out of range.
    """
    name = os.fspath(recipe)
    if name in RECIPES:
        text = files(__package__).joinpath("recipes", f"{name}.toml").read_text(encoding="utf-8")
    elif os.path.isfile(name):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read the recipe {name}: {first_line(error)}") from error
    elif name.endswith(".toml") or os.path.basename(name) != name:
        raise UsageError(f"no such recipe file: {name}")
    else:
        known = _nearest(name, RECIPES) or f"choose from {', '.join(RECIPES)}, or name a .toml file"
        raise UsageError(f"unknown recipe {name!r}: {known}")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{name} is not valid TOML: {first_line(error)}") from error
    title = values.pop("recipe", os.path.basename(name))
    for key in values:
        if key not in _KEYS:
            known = _nearest(key, _KEYS) or f"choose from {', '.join(sorted(_KEYS))}"
            raise UsageError(f"{name}: unknown key {key!r}: {known}")
    read = Recipe(title, values)
    try:
        for key in _STRINGS & values.keys():
            if not isinstance(values[key], str):
                raise UsageError(f"{key} must be a string, got {values[key]!r}")
        read.job("", "")
    except UsageError as error:
        # The message names an option; in a file it is a key.
        raise UsageError(f"{name}: {str(error).replace('`', '')}") from error
    return read


def _nearest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def recipe_text(job: TrainJob) -> str:
    """Return a job's options as the text of a recipe file that `read_recipe` reads back.

    Options that are None are left out. Catalog and folder are not part of a recipe.
    """
    values = {"recipe": job.recipe, **flat_values(job)}
    lines = [
        f"{key} = {_toml(value)}"
        for key, value in values.items()
        if value is not None and (key == "recipe" or key not in _NOT_IN_RECIPES)
    ]
    return "\n".join([*lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    # A JSON string is a TOML string, except for DEL, which TOML requires to be escaped.
    return json.dumps(os.fspath(value), ensure_ascii=False).replace("\x7f", "\\u007f")
