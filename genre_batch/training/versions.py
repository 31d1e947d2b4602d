"""The versions that a result depends on, for its provenance."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from genre_batch import __version__

__all__ = ["versions"]

_PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "optimum",
    "optimum-onnx",
    "onnx",
    "onnxruntime",
    "numpy",
    "iterative-stratification",
)


def versions() -> dict[str, str]:
    """Names and versions of Python, this tool, and the packages that training goes through."""
    found = {"python": platform.python_version(), "genre-batch": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
