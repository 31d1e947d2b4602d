"""Promise: the recipes of docs/guides/dataframes.md give what they show."""

from __future__ import annotations

import doctest
import re
import shutil
from pathlib import Path

import pytest

from support.places import ROOT

PAGE = ROOT / "docs" / "guides" / "dataframes.md"
NOT_IN_TEST = {"daft": "150 MB"}
"""Libraries that are too large for the extra `test`, and their size."""


def _recipes() -> dict[str, str]:
    """Return the Python blocks of the page, by the heading above them and their number."""
    recipes = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title = section.partition("\n")[0]
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", section, re.DOTALL), 1):
            recipes[f"{title} {number}"] = block
    return recipes


RECIPES = _recipes()


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_what_it_shows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in re.findall(r"^>>> import (\w+)", RECIPES[name], re.MULTILINE):
        if module in NOT_IN_TEST:
            pytest.importorskip(module, reason=f"{module} takes {NOT_IN_TEST[module]}")
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GENRE_BATCH_MODEL", raising=False)
    test = doctest.DocTestParser().get_doctest(RECIPES[name], {}, name, str(PAGE), 0)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(test)
    assert runner.tries >= 3
    assert runner.failures == 0, capsys.readouterr().out


def test_every_library_has_a_recipe() -> None:
    titles = {name.rsplit(" ", 1)[0] for name in RECIPES}
    assert {"pandas", "polars", "pyarrow", "DuckDB", "Daft"} <= titles
