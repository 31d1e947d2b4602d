"""The callbacks by which long work reports progress; the library prints nothing itself."""

from __future__ import annotations

from collections.abc import Callable

__all__ = [
    "RowProgress",
    "StatusProgress",
    "StepProgress",
    "TextProgress",
    "no_row_progress",
    "no_status",
    "no_step_progress",
    "no_text_progress",
]

RowProgress = Callable[[int, int | None], None]
"""Called with (rows done, total rows); the total is exact, an estimate, or None if unknown."""

StepProgress = Callable[[int, int, str], None]
"""Called with (steps done, total steps, stage); a stage without steps has a total of 0."""

TextProgress = Callable[[int], None]
"""Called with the number of texts done."""

StatusProgress = Callable[[str], None]
"""Called with a few words on how far work in parts is, for the end of a progress bar."""


def no_row_progress(done: int, total: int | None) -> None:
    """Ignore progress in rows."""


def no_status(text: str) -> None:
    """Ignore what work in parts reports."""


def no_step_progress(done: int, total: int, stage: str) -> None:
    """Ignore progress in steps."""


def no_text_progress(done: int) -> None:
    """Ignore progress in texts."""
