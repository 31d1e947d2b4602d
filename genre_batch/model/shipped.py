"""The models that ship with the package, by name."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from genre_batch.errors import ModelError, UsageError
from genre_batch.options import StrPath

__all__ = ["MODEL_VARIABLE", "SHIPPED_MODELS", "default_model", "model_path"]

MODEL_VARIABLE = "GENRE_BATCH_MODEL"
SHIPPED_MODELS = {"default": "genre-batch.onnx", "fast": "genre-batch-fast.onnx"}
"""Name -> file in the room `export`."""


def model_path(model: StrPath | None) -> Path:
    """Return the file of a model that a user named.

    Args:
        model: a path, a name in `SHIPPED_MODELS`, or None: `$GENRE_BATCH_MODEL`, then `default`. A
            path has a separator or a suffix, or is the path of a file.

    Raises:
        UsageError: a name that is neither.
        ModelError: a shipped model that is not installed.
    """
    name = os.environ.get(MODEL_VARIABLE) or "default" if model is None else os.fspath(model)
    if name in SHIPPED_MODELS:
        return _shipped(name)
    if not name or os.path.dirname(name) or os.path.splitext(name)[1] or os.path.exists(name):
        return Path(name)
    raise UsageError(
        f"no such model: {name}: the models that ship are {', '.join(installed_models())}; for a "
        f"file, type its path, such as ./{name} or {name}.onnx"
    )


def default_model() -> Path:
    """Return the path of the default model: `$GENRE_BATCH_MODEL`, then the shipped model.

    Raises:
        UsageError, ModelError: as `model_path` raises them.
    """
    return model_path(None)


def installed_models() -> list[str]:
    """Return the names of the shipped models whose files are there."""
    return [name for name in SHIPPED_MODELS if _file(name).is_file()]


def _shipped(name: str) -> Path:
    path = _file(name)
    if path.is_file():
        return path
    others = installed_models()
    if others:
        raise UsageError(
            f"the model {name} does not ship with this version: the models that ship are "
            f"{', '.join(others)}"
        )
    raise ModelError(
        f"the shipped model {path.name} is not installed: run pip install . in the checkout, or "
        f"set ${MODEL_VARIABLE} to a model"
    )


def _file(name: str) -> Path:
    try:
        folder = Path(str(resources.files("genre_batch.export")))
    except ModuleNotFoundError:  # Python was started in a checkout, whose modules come first
        folder = Path(__file__).parents[2] / "export"
    return folder / SHIPPED_MODELS[name]
