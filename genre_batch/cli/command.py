"""The entry point of `genre-batch`: streams, signals, exit codes, and the last line on stderr.

Only light modules are imported at the top, so that signals are handled soon after the start.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import NoReturn

from genre_batch.cli.signals import STOP_SIGNALS, StoppedBySignal, last_line
from genre_batch.cli.streams import STDOUT, discard_stdout, prepare_streams, stdout_error

__all__ = ["run"]


def run() -> NoReturn:
    """Run the command line, print its error if any, and exit with its code."""
    signals = STOP_SIGNALS
    error: BaseException | None = None
    try:
        signals.install()
        try:
            prepare_streams()
            _run_group()
            signals.close()
        except BaseException as caught:  # a panic in polars is not an Exception
            signals.close()
            error = caught
    except StoppedBySignal as stopped:  # it came just before one of the two `close`
        error = stopped
    if isinstance(error, KeyboardInterrupt):  # it came just before `install`
        signals.taken = StoppedBySignal(signal.SIGINT)
    code = 0 if error is None else _print_error(error, signals.taken)
    if signals.taken is None:
        code = _flush_stdout(code)
    signals.ignore()
    if signals.taken is not None or _has_daemons():
        # A stopped command must not wait for a reader of stdout; and Python would end threads that
        # run native code in a way that aborts the process.
        os._exit(code)
    sys.exit(code)


def _run_group() -> None:
    from genre_batch.cli.group import cli

    cli.main(prog_name="genre-batch", standalone_mode=False, obj={"is_own_process": True})


def _print_error(error: BaseException, stopped: StoppedBySignal | None) -> int:
    """Print one line about the exception that ended the command; return the exit code."""
    if stopped is not None:  # native code may have turned it into another exception
        _print_line(_with_notes(last_line(stopped), error))
        return stopped.code
    import click

    from genre_batch.cli.group import ClosedPipeError
    from genre_batch.errors import GenreBatchError
    from genre_batch.failures import describe_failure

    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return error.exit_code
    if isinstance(error, click.ClickException):
        from genre_batch.cli.usage_errors import describe_usage_error

        _print_line(f"Error: {describe_usage_error(error)}")
        return error.exit_code
    if isinstance(error, BrokenPipeError | ClosedPipeError):
        discard_stdout()
        return 0
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if "--debug" in sys.argv[1:]:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, GenreBatchError):
        _print_line(_with_notes(f"Error: {error}", error))
        return error.exit_code
    described = describe_failure(error)
    if isinstance(error, MemoryError):
        message = "not enough memory: close other programs, or split the file"
    elif isinstance(error, OSError):
        message = _os_error(error)
    elif described is not None:
        message = ": ".join(part for part in described if part)
    else:
        message = f"{type(error).__name__}: {error}: run again with --debug and report it"
    _print_line(_with_notes(f"Error: {message}", error))
    return 1


def _os_error(error: OSError) -> str:
    """Return a message about an error of the system."""
    if error.filename == STDOUT:
        return _stdout_error(error)
    path = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    from genre_batch.failures import reason_of

    return f"{path}{reason_of(error)}"


def _stdout_error(error: OSError) -> str:
    if error.errno == errno.EBADF:
        return "stdout is closed: redirect it to a file, or to /dev/null"
    from genre_batch.failures import reason_of

    return f"cannot write stdout: {reason_of(error)}"


def _flush_stdout(code: int) -> int:
    """Write what is still buffered; return the exit code, 1 if that fails after a success."""
    failure = stdout_error()
    if failure is None:
        return code
    discard_stdout()
    if code or isinstance(failure, BrokenPipeError):
        return code
    _print_line(f"Error: {_stdout_error(failure)}")
    return 1


def _print_line(message: str) -> None:
    sys.stderr.write(" ".join(message.split()) + "\n")


def _with_notes(message: str, error: BaseException) -> str:
    """Return the message followed by the exception's notes, such as how to resume."""
    return "; ".join([message, *getattr(error, "__notes__", [])])


def _has_daemons() -> bool:
    """Return whether threads are left that Python does not wait for, such as a waiting reader."""
    import threading

    return any(thread.daemon for thread in threading.enumerate())
