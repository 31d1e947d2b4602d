"""The `genre-batch` command group: its commands, and how their errors and warnings are worded."""

from __future__ import annotations

import contextlib
import re
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import click

from genre_batch.cli.apply import apply
from genre_batch.cli.audit import audit
from genre_batch.cli.augment import augment
from genre_batch.cli.compare import compare
from genre_batch.cli.evaluate import evaluate
from genre_batch.cli.export_onnx import export_onnx
from genre_batch.cli.inspect import inspect
from genre_batch.cli.tag import tag
from genre_batch.cli.train import train
from genre_batch.cli.tune import tune
from genre_batch.errors import GenreBatchError, GenreBatchWarning
from genre_batch.version import __version__

__all__ = ["ClosedPipeError", "cli"]

_PARAMETER = re.compile(r"`(\w+)`( false\b)?")
"""The name of a parameter in a message of the library, and whether it is to be false."""


class ClosedPipeError(Exception):
    """The reader of stdout has closed it."""


class _Group(click.Group):
    """Pass a broken pipe on to `main` (click would exit with 1), and name options in errors."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # as they were added, in the order of work

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ClosedPipeError from error
        except GenreBatchError as error:
            command = self.commands.get(ctx.invoked_subcommand or "")
            error.args = tuple(_with_option_names(str(arg), command) for arg in error.args)
            raise


def _with_option_names(message: str, command: click.Command | None) -> str:
    """Replace parameter names with the command's options: `top_k` with --top-k.

    A flag that is to be false (`with_title` false) becomes its other option, --without-title.
    """
    parameters = {param.name: param for param in command.params} if command else {}

    def option(match: re.Match[str]) -> str:
        parameter = parameters.get(match[1])
        if parameter is None:
            return match[0]
        if match[2] and parameter.secondary_opts:
            return parameter.secondary_opts[0]
        return parameter.opts[0] + (match[2] or "")

    return _PARAMETER.sub(option, message)


@contextlib.contextmanager
def _warnings_on_stderr(command: click.Command | None, quiet: bool) -> Iterator[None]:
    """Print the library's warnings as they occur, each on one line; none with `--quiet`."""
    with warnings.catch_warnings():
        show_other = warnings.showwarning
        shown: set[str] = set()

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if not issubclass(category, GenreBatchWarning):
                show_other(message, category, *place)
            elif not quiet and str(message) not in shown:
                shown.add(str(message))
                text = _with_option_names(" ".join(str(message).split()), command)
                sys.stderr.write(f"Warning: {text}\n")

        warnings.simplefilter("always", GenreBatchWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="genre-batch")
@click.option("-q", "--quiet", is_flag=True, help="Print no progress, tables or warnings.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Print the model, the columns and the use of the cache."
)
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.pass_context
def cli(context: click.Context, quiet: bool, verbose: bool, debug: bool) -> None:
    """Tag movie catalogs with genres predicted from their overviews."""
    context.obj = {**(context.obj or {}), "quiet": quiet, "verbose": verbose}
    command = cli.commands.get(context.invoked_subcommand or "")
    context.with_resource(_warnings_on_stderr(command, quiet))


for command in (tag, audit, apply, evaluate, tune, train, export_onnx, augment, compare, inspect):
    cli.add_command(command)
