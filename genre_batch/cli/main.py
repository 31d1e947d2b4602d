"""The entry point of `genre-batch`.

Nothing is imported at the top, so that an interrupt during the imports ends with one line.
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing it from typing takes longer than all that is below
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["main"]


def main() -> NoReturn:
    """Run the command line, and exit with its code."""
    try:
        from genre_batch.cli.command import run
    except KeyboardInterrupt:
        import os

        os.write(2, b"Stopped by SIGINT: no incomplete output was left\n")
        os._exit(130)
    run()
