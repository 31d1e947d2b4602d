"""This tool's version, and the versions of the packages that a result depends on."""

from __future__ import annotations

__all__ = ["__version__", "versions"]

__version__ = "0.1.0"

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
    """Return the versions of Python, of this tool and of the packages that training uses."""
    # Imported here, because every start of the command imports this module.
    import platform
    from importlib.metadata import PackageNotFoundError, version

    numbers = {"python": platform.python_version(), "genre-batch": __version__}
    for package in _PACKAGES:
        try:
            numbers[package] = version(package)
        except PackageNotFoundError:
            continue
    return numbers
