"""The command line: each command parses, calls the library and prints. Nothing imports it."""

from __future__ import annotations

from genre_batch.cli.main import main

__all__ = ["main"]
