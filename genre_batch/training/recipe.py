"""Recipes: the options of a run in a TOML file of flat `key = value` lines."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from genre_batch.dataset.load import CatalogPath
from genre_batch.errors import UsageError, first_line
from genre_batch.failures import reason_of
from genre_batch.options import (
    StrPath,
    flat_values,
    from_flat_values,
    nearest_name,
    toml_value,
)
from genre_batch.runs.starting_point import NOT_INHERITED, read_starting_point
from genre_batch.training.options import TrainingOptions, TrainJob

__all__ = ["RECIPES", "Recipe", "read_recipe", "recipe_text"]

RECIPES = ("default", "paper", "teacher", "shipped", "fast")
"""The recipes of the package, each a file in `recipes`."""

_NOT_IN_RECIPES = {"catalog", "folder", "recipe", "resume"}
_DEFAULTS = flat_values(TrainJob("", ""))
_KEYS = _DEFAULTS.keys() - _NOT_IN_RECIPES


@dataclass(frozen=True)
class Recipe:
    """The values that a recipe sets; all others have their defaults.

    Attributes:
        name: one of `RECIPES`, or the name of the file.
        values: by option, as `flat_values` names them. Paths are relative to the working folder.
        is_default: whether it is the package's recipe `default`, whose values nobody has chosen.
    """

    name: str
    values: Mapping[str, Any]
    is_default: bool = False

    def job(self, catalog: CatalogPath, folder: StrPath, **changes: Any) -> TrainJob:
        """Return the job of this recipe.

        Args:
            catalog: the labeled catalog.
            folder: the run's folder.
            **changes: values that override the recipe's, by option, and `resume`; an empty string,
                in the recipe too, stands for the option's default.

        `init_from` sets what neither does; the recipe `default` leaves everything to it.

        Raises:
            TypeError: no option has such a name.
            UsageError: a value out of range, or a base model besides `init_from`.
            TrainingError, ModelError: as `read_starting_point` raises them.
        """
        unknown = changes.keys() - _KEYS - {"resume"}
        if unknown:
            raise TypeError(f"no training option {', '.join(sorted(unknown))}")
        values = {**self.values, **changes}
        if init_from := values.get("init_from"):
            if changes.get("base_model"):
                raise UsageError(
                    "`init_from` and `base_model` cannot be used together: the run has its own "
                    "encoder"
                )
            own = {} if self.is_default else self.values
            start = read_starting_point(init_from).options
            values = {**{key: start[key] for key in start.keys() & _KEYS}, **own, **changes}
        places = {"catalog": catalog, "folder": folder, "recipe": self.name}
        values = {name: _or_default(name, value) for name, value in values.items()}
        return from_flat_values(TrainJob, {**values, **places})

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
            text = Path(name).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UsageError(f"cannot read the recipe {name}: {reason_of(error)}") from error
        except UnicodeDecodeError as error:
            raise UsageError(f"cannot read the recipe {name}: save it as UTF-8 text") from error
    elif os.path.isdir(name):
        raise UsageError(f"{name} is a folder: name a recipe file in it")
    elif name.endswith(".toml") or os.path.basename(name) != name:
        raise UsageError(f"no such recipe file: {name}")
    else:
        known = nearest_name(name, (*RECIPES, "or a .toml file"))
        raise UsageError(f"unknown recipe {name!r}: {known}")
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of numbers too long and lists too deep as well
        raise UsageError(f"{name} is not valid TOML: {first_line(error)}: fix it") from error
    title = values.pop("recipe", os.path.basename(name))
    for key in values:
        if key not in _KEYS:
            raise UsageError(f"{name}: unknown key {key!r}: {nearest_name(key, sorted(_KEYS))}")
    read = Recipe(title, values, name == "default")
    try:
        read.job("", "", init_from="")
    except UsageError as error:
        # The message names an option; in a file it is a key.
        raise UsageError(f"{name}: {str(error).replace('`', '')}") from error
    return read


def _or_default(name: str, value: Any) -> Any:
    """Return the option's default for an empty string; a list without its empty strings."""
    if isinstance(value, tuple | list):
        return tuple(entry for entry in value if entry != "")
    return _DEFAULTS[name] if isinstance(value, str) and not value else value


def recipe_text(job: TrainJob) -> str:
    """Return a job's options as the text of a recipe file that `read_recipe` reads back.

    Options that are None are left out, or empty where `init_from` could set them. Catalog and
    folder are not part of a recipe.
    """
    extras = tuple(str(extra) for extra in job.extra_train)
    values = {"recipe": job.recipe, **flat_values(job), "extra_train": extras}
    if job.init_from is not None:
        values |= {key: "" for key in _KEYS - NOT_INHERITED if values[key] is None}
    lines = [
        f"{key} = {toml_value(value)}"
        for key, value in values.items()
        if value is not None and (key == "recipe" or key not in _NOT_IN_RECIPES)
    ]
    return "\n".join([*lines, ""])
