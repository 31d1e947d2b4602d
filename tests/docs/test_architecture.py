"""Promise: pages place packages, modules and names where the code has them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from support.places import ROOT
from support.plan import ROOMS

sys.path.append(str(ROOT / "scripts"))
rooms = pytest.importorskip("rooms")

PACKAGE = ROOT / "genre_batch"
PAGE = (ROOT / "docs" / "development" / "architecture.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| .+ \| (.*?) ?\|$", re.MULTILINE)
MAP = {room: set(re.findall(r"`(\w+)`", cell)) for room, cell in ROW.findall(PAGE)}


def test_the_map_has_every_room() -> None:
    assert set(MAP) == set(ROOMS) | {"cli"}


def test_the_map_allows_what_the_plan_allows() -> None:
    assert {room: MAP[room] for room in ROOMS} == ROOMS


def test_the_code_imports_only_what_the_map_allows() -> None:
    for room, imported in rooms.room_imports(ROOT / "genre_batch").items():
        assert room == "cli" or imported <= MAP[room], room


def test_the_map_names_every_module_at_the_top() -> None:
    listed = re.search(r"^- Modules at the top \(([^)]*)\)", PAGE, re.MULTILINE)
    assert listed is not None
    modules = {path.stem for path in (ROOT / "genre_batch").glob("[a-z]*.py")}
    assert set(re.findall(r"`(\w+)`", listed[1])) == modules - {"spark", "ray"}
    assert "- `genre_batch.spark` and `genre_batch.ray`" in PAGE


def _place(name: str) -> Path:
    """The path of a module or a folder as pages name it: from the root, or from the package."""
    top = name.partition("/")[0]
    return (ROOT if top in ("benchmarks", "genre_batch", "scripts", "tests") else PACKAGE) / name


@pytest.mark.parametrize(
    "page",
    [
        "CONTRIBUTING.md",
        "docs/development/architecture.md",
        "docs/development/performance.md",
        "docs/reference/glossary.md",
    ],
)
def test_the_modules_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"`([a-z_]+/[\w/]*(?:\.py)?)`", text):
        assert _place(name).exists(), name


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "docs/development/architecture.md", "docs/guides/thresholds.md"]
)
def test_the_names_that_a_page_places_in_a_module_are_in_it(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for name, module in re.findall(r"`(\w+)`\s+\(`(\w+/[\w/]+\.py)`", text):
        code = _place(module).read_text(encoding="utf-8")
        assert re.search(rf"^(def |class )?{name}\b", code, re.MULTILINE), f"{name} in {module}"
