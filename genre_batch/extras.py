"""The optional packages that some commands need, checked without importing any of them."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from genre_batch.errors import MissingExtraError

__all__ = ["leave_out_pandas", "require_extra"]

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


class _NoPandas:
    """A finder of modules for which there is no pandas."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def leave_out_pandas() -> None:
    """Keep pyarrow from importing pandas, if it is not imported yet.

    pyarrow does so when the first list becomes an array, to recognize Series; that takes 0.25 s of
    CPU time and 40 MB. So this is for processes of the command alone, where no Series exist.
    """
    import pyarrow

    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pyarrow.array([])  # pyarrow remembers that there is no pandas
    finally:
        sys.meta_path.remove(finder)
