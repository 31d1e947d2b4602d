"""Options whose value is a list joined by commas, which may be given several times."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["ListOption"]


class ListOption(click.Option):
    """An option `--name A,B,...`: given again, it adds to the list.

    click takes the last of two values of an option. Of a list, the first would be lost without a
    word.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the option; arguments as for `click.Option`."""
        super().__init__(*args, **{**kwargs, "multiple": True})

    def process_value(self, ctx: click.Context, value: Any) -> str | None:
        """Return the values, joined by commas; None if there is none."""
        values: tuple[str, ...] = super().process_value(ctx, value) or ()
        return ",".join(values) if values else None
