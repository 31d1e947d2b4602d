"""Promise: the examples of docs/reference/python.md give what they show."""

from __future__ import annotations

import doctest
import shutil
from pathlib import Path

import pytest

from support.places import ROOT


@pytest.mark.slow
def test_the_examples_give_what_they_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENRE_BATCH_MODEL", raising=False)
    page = ROOT / "docs" / "reference" / "python.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.attempted >= 5
    assert not result.failed
