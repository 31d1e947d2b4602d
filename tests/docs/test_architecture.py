"""Promise: the map of docs/development/architecture.md is the plan's, and the code's."""

from __future__ import annotations

import re
import sys

import pytest

from support.places import ROOT
from support.plan import ROOMS

sys.path.append(str(ROOT / "scripts"))
rooms = pytest.importorskip("rooms")

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


@pytest.mark.parametrize("page", ["docs/development/architecture.md", "CONTRIBUTING.md"])
def test_the_modules_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for name in re.findall(r"`([a-z_]+/[\w/]*(?:\.py)?)`", text):
        folder = (
            ROOT if name.startswith(("tests/", "scripts/", "benchmarks/", "genre_batch/")) else None
        )
        assert ((folder or ROOT / "genre_batch") / name).exists(), name
