"""The two callbacks by which long work reports progress; the library prints nothing itself."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["RowProgress", "StepProgress", "no_row_progress", "no_step_progress"]

RowProgress = Callable[[int, int | None], None]
"""Called with (rows done, total rows); the total is exact, an estimate, or None if unknown."""

StepProgress = Callable[[int, int, str], None]
"""Called with (steps done, total steps, stage); a stage without steps has a total of 0."""


def no_row_progress(done: int, total: int | None) -> None:
    """Ignore progress in rows."""


def no_step_progress(done: int, total: int, stage: str) -> None:
    """Ignore progress in steps."""
