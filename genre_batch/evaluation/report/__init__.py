"""The HTML report: tables and figures on one page that needs no network. Needs the extra `report`.

`page.py` has the building blocks (Report, Section, Table, Figure) and writes them, `figures.py`
draws, `scored.py` makes sections of scored predictions, `evaluated.py` a report of an evaluation.
"""

from __future__ import annotations

from importlib.util import find_spec

from genre_batch.errors import MissingExtraError

__all__ = ["require_extra"]

# Module names by which each package of the extra is known once installed.
_MODULES = ("altair", "jinja2", "vl_convert")


def require_extra(what: str) -> None:
    """Makes sure the extra `report` is installed, without importing any of it.

    Args:
        what: the command or option that needs it, for the message.

    Raises:
        MissingExtraError: one of its packages is missing.
    """
    for module in _MODULES:
        if find_spec(module) is None:
            raise MissingExtraError(what, "report", module)
