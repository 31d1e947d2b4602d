"""Labelled catalog -> fine-tuned DistilBERT -> exported ONNX. Needs the extra `train`."""

from __future__ import annotations

from importlib.util import find_spec

from genre_batch.errors import MissingExtraError

__all__ = ["require_extra"]

# Module names by which each package of the extra is known once installed.
_MODULES = (
    "torch",
    "transformers",
    "accelerate",
    "optimum",
    "sklearn",
    "iterstrat",
    "altair",
    "jinja2",
    "vl_convert",
)


def require_extra(what: str, *modules: str) -> None:
    """Makes sure the extra `train` is installed, without importing any of it.

    Args:
        what: the command that needs it, for the message.
        modules: those of its packages that are needed; none named: what training needs.

    Raises:
        MissingExtraError: one of its packages is missing.
    """
    for module in modules or _MODULES:
        if find_spec(module) is None:
            raise MissingExtraError(what, "train", module)
