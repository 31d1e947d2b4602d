"""Paths that tests need: the installed command, the checkout, the real catalogs, outputs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

COMMAND = Path(sys.executable).with_name("genre-batch")
"""The installed command, next to the Python that runs the tests."""

Command = Callable[..., subprocess.CompletedProcess[bytes]]
"""The fixture `command` (tests/conftest.py): runs the installed command with these arguments."""

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("GENRE_BATCH_DATA", ROOT.parent / "shared" / "data"))

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
"""Debian's packages chromium and chromium-driver; None where one is missing."""


def files_below(folder: str) -> dict[str, bytes]:
    """Return the content of each file below a folder, by its path in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }
