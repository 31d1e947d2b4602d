"""The `genre-batch` command: command group, exit codes, and the one place that prints errors."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import traceback
from types import FrameType
from typing import Any, NoReturn

import click

from genre_batch.cli.augment import augment
from genre_batch.cli.compare import compare
from genre_batch.cli.evaluate import evaluate
from genre_batch.cli.export_onnx import export_onnx
from genre_batch.cli.inspect import inspect
from genre_batch.cli.tag import tag
from genre_batch.cli.train import train
from genre_batch.cli.tune import tune
from genre_batch.errors import GenreBatchError
from genre_batch.version import __version__

__all__ = ["cli", "main"]

_PARAMETER = re.compile(r"`(\w+)`")
"""The name of a parameter in an error message of the library."""

_SIGNAL_EXIT_BASE = 128
"""The exit code after a signal is this plus the signal's number, as in shells."""


class _StoppedError(BaseException):
    """A signal, raised in the main thread so that every `with` block is closed."""

    def __init__(self, number: int) -> None:
        self.code = _SIGNAL_EXIT_BASE + number
        super().__init__(signal.Signals(number).name)


class _ClosedPipeError(Exception):
    """The reader of stdout has closed it."""


class _Group(click.Group):
    """Pass a broken pipe on to `main` (click would exit with 1), and name options in errors."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ClosedPipeError from error
        except GenreBatchError as error:
            command = self.commands.get(ctx.invoked_subcommand or "")
            error.args = tuple(_with_option_names(str(arg), command) for arg in error.args)
            raise


def _with_option_names(message: str, command: click.Command | None) -> str:
    """Replace parameter names (`top_k`) with the command's options (--top-k)."""
    options = {param.name: param.opts[0] for param in command.params} if command else {}
    return _PARAMETER.sub(lambda match: options.get(match[1], match[0]), message)


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
    context.obj = {"quiet": quiet, "verbose": verbose}


for command in (tag, evaluate, tune, train, export_onnx, augment, compare, inspect):
    cli.add_command(command)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise _StoppedError(number)


def _print_line(message: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(" ".join(message.split()), err=True)


def _with_notes(message: str, error: BaseException) -> str:
    """Return the message followed by the exception's notes, such as how to resume."""
    return "; ".join([message, *getattr(error, "__notes__", [])])


def _close_stdout() -> None:
    """Redirect stdout to /dev/null, so that nothing is flushed into a closed pipe at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def main() -> NoReturn:
    """Run the command line, print its error if any, and exit with its code."""
    debug = "--debug" in sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        cli.main(prog_name="genre-batch", standalone_mode=False)
        code = 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f": see {context.command_path} --help" if context is not None else ""
        _print_line(f"Error: {error.format_message().rstrip('.')}{hint}")
        code = error.exit_code
    except _StoppedError as stop:
        _print_line(_with_notes(f"Stopped by {stop}: no incomplete output was left", stop))
        code = stop.code
    except (BrokenPipeError, _ClosedPipeError):
        _close_stdout()
        code = 0
    except GenreBatchError as error:
        if debug:
            traceback.print_exc()
        _print_line(_with_notes(f"Error: {error}", error))
        code = error.exit_code
    except MemoryError as error:
        if debug:
            traceback.print_exc()
        _print_line(
            _with_notes("Error: not enough memory: close other programs, or split the file", error)
        )
        code = 1
    except BaseException as error:  # a panic in polars is not an Exception
        if isinstance(error, SystemExit):
            raise
        if debug:
            traceback.print_exc()
        _print_line(f"Error: {type(error).__name__}: {error}: run again with --debug and report it")
        code = 1
    try:
        sys.stdout.flush()
    except OSError:
        _close_stdout()
    sys.exit(code)
