"""The optional packages that some commands need, checked without importing any of them."""

from __future__ import annotations

from importlib.util import find_spec

from genre_batch.errors import MissingExtraError

__all__ = ["require_extra"]

_REPORT = ("altair", "jinja2", "vl_convert")
_MODULES = {
    "ray": ("ray",),
    "report": _REPORT,
    "spark": ("pyspark", "pandas"),
    "train": ("torch", "transformers", "accelerate", "optimum", "sklearn", "iterstrat", *_REPORT),
}
"""Extra of setup.cfg -> the module names of its packages."""


def require_extra(what: str, extra: str, *modules: str) -> None:
    """Check that an extra is installed.

    Args:
        what: the command or option that needs the extra, for the message.
        extra: `ray`, `report`, `spark` or `train`.
        modules: the required modules of the extra; default: all of them.

    Raises:
        MissingExtraError: a package of the extra is not installed.
    """
    for module in modules or _MODULES[extra]:
        if find_spec(module) is None:
            raise MissingExtraError(what, extra, module)
