"""The `genre-batch` command: its group, its exit codes, its one place for errors."""

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
"""A parameter's name, as the library's errors write it."""

_STOPPED_EXIT = 128
"""A shell's way to say that a signal ended a command: this plus the signal's number."""


class _StoppedError(BaseException):
    """A signal, raised where the program stands so that every `with` block closes."""

    def __init__(self, number: int) -> None:
        self.code = _STOPPED_EXIT + number
        super().__init__(signal.Signals(number).name)


class _ClosedPipeError(Exception):
    """Whoever read stdout has seen enough."""


class _Group(click.Group):
    """Leave a broken pipe to `main` (click would exit with 1); name options in errors."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ClosedPipeError from error
        except GenreBatchError as error:
            command = self.commands.get(ctx.invoked_subcommand or "")
            error.args = tuple(_with_option_names(str(one), command) for one in error.args)
            raise


def _with_option_names(message: str, command: click.Command | None) -> str:
    """Replace parameter names (`top_k`) with the command's options (--top-k)."""
    options = {param.name: param.opts[0] for param in command.params} if command else {}
    return _PARAMETER.sub(lambda match: options.get(match[1], match[0]), message)


@click.group(
    cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="genre-batch")
@click.option("-q", "--quiet", is_flag=True, help="No progress, tables or warnings.")
@click.option("-v", "--verbose", is_flag=True, help="Say what was chosen: model, columns, threads.")
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.pass_context
def cli(context: click.Context, quiet: bool, verbose: bool, debug: bool) -> None:
    """Tag movie catalogs with genres predicted from their overviews."""
    context.obj = {"quiet": quiet, "verbose": verbose}


for command in (tag, evaluate, tune, train, export_onnx, augment, compare, inspect):
    cli.add_command(command)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    raise _StoppedError(number)


def _say(message: str) -> None:
    with contextlib.suppress(OSError):
        click.echo(" ".join(message.split()), err=True)


def _with_notes(message: str, error: BaseException) -> str:
    """The message with what was noted on the exception on its way: how to go on, say."""
    return "; ".join([message, *getattr(error, "__notes__", [])])


def _close_stdout() -> None:
    """Nobody reads stdout any more: nothing may be flushed into it at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def main() -> NoReturn:
    """Runs the command line and exits with its code."""
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
        more = f": see {context.command_path} --help" if context is not None else ""
        _say(f"Error: {error.format_message().rstrip('.')}{more}")
        code = error.exit_code
    except _StoppedError as stop:
        _say(_with_notes(f"Stopped by {stop}: nothing was left under the output's name", stop))
        code = stop.code
    except (BrokenPipeError, _ClosedPipeError):
        _close_stdout()
        code = 0
    except GenreBatchError as error:
        if debug:
            traceback.print_exc()
        _say(_with_notes(f"Error: {error}", error))
        code = error.exit_code
    except MemoryError as error:
        if debug:
            traceback.print_exc()
        _say(
            _with_notes("Error: not enough memory: close other programs, or split the file", error)
        )
        code = 1
    except BaseException as error:  # a panic in polars is no Exception
        if isinstance(error, SystemExit):
            raise
        if debug:
            traceback.print_exc()
        _say(f"Error: {type(error).__name__}: {error}: run again with --debug and report it")
        code = 1
    try:
        sys.stdout.flush()
    except OSError:
        _close_stdout()
    sys.exit(code)
