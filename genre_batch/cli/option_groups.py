"""A click command whose help lists its options in groups."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

__all__ = ["COLUMNS", "READING", "WRITING", "GroupedCommand", "grouped_command"]

READING = (
    *("input_format", "delimiter", "encoding", "quote", "escape", "null_values", "skip_lines"),
    *("no_hive", "infer_types", "rejects", "strict"),
)
"""The fields of `catalog.options.ReadingOptions`, for help texts in groups."""

WRITING = ("output_format", "output_delimiter", "output_encoding", "separator")
"""The fields of `catalog.options.WritingOptions`, likewise."""

COLUMNS = (
    *("text_column", "title_column", "genre_column", "genre_separator"),
    *("label_columns", "label_names", "group_rows", "empty", "genre_map", "no_aliases"),
)
"""The fields of `catalog.options.ColumnOptions`, likewise."""

_PATHS_AND_LISTS = re.compile(r"PATH|FILE|FOLDER|DIR|MODEL|,\.\.\.")
"""Names of values in help texts that are never empty."""


class GroupedCommand(click.Command):
    """A command with option groups in its help.

    Attributes:
        groups: title -> option names.
    """

    def __init__(self, *args: Any, groups: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        """Create the command.

        Args:
            *args: as for `click.Command`.
            groups: title -> option names. An option that no group names is in the last one.
            **kwargs: as for `click.Command`.
        """
        super().__init__(*args, **kwargs)
        self.groups = groups

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; in a process of its own, without pandas (`extras.leave_out_pandas`).

        Raises:
            click.UsageError: the path of a file, or a list, is empty.
        """
        # An empty value removes that of a recipe, or of the run that training starts from.
        has_others = ctx.params.get("recipe") not in (None, "", "default")
        has_others |= bool(ctx.params.get("init_from"))
        for parameter in self.params:
            if parameter.required or not has_others:
                _check_not_empty(parameter, ctx.params.get(parameter.name or ""))
        if (ctx.find_root().obj or {}).get("is_own_process"):
            from genre_batch.extras import leave_out_pandas

            leave_out_pandas()
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section per group, its options in the order in which they are declared."""
        title_of = {name: title for title, names in self.groups.items() for name in names}
        sections: dict[str, list[tuple[str, str]]] = {title: [] for title in self.groups}
        *_, last = self.groups
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections[title_of.get(parameter.name or "", last)].append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def _check_not_empty(parameter: click.Parameter, value: object) -> None:
    """Check a path or a list: a variable of the shell that is not set leaves it empty.

    Raises:
        click.UsageError: it is empty.
    """
    metavar = "PATH" if isinstance(parameter, click.Argument) else parameter.metavar or ""
    if parameter.name == "null_values" or not _PATHS_AND_LISTS.search(metavar):
        return
    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str) and not text.strip(" ,"):
            if isinstance(parameter, click.Argument):
                raise click.UsageError(f"{parameter.human_readable_name.strip('[].')} is empty")
            advice = "" if parameter.required else ", or leave it out"
            raise click.UsageError(f"{parameter.opts[0]} is empty: give it a value{advice}")


def grouped_command(
    groups: Mapping[str, Sequence[str]], short_help: str
) -> Callable[[Callable[..., Any]], GroupedCommand]:
    """Return a decorator that makes a function a command with option groups in its help.

    Args:
        groups: title -> option names.
        short_help: its line in the list of commands.
    """
    return click.command(cls=GroupedCommand, groups=groups, short_help=short_help)
