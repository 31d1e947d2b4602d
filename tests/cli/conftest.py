"""Fixtures of the commands' tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """Return a catalog of one film with a genre."""
    path = tmp_path / "films.csv"
    path.write_text("overview,genres\nlaugh,Comedy\n")
    return path
