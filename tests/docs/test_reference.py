"""Promise: generated pages of docs/reference are up to date, and leave nothing out."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import genre_batch
from genre_batch.cli.group import cli
from support.places import ROOT

sys.path.append(str(ROOT / "scripts"))
reference = pytest.importorskip("reference")

CLI_PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generated() -> dict[str, tuple[Path, str]]:
    """Each generated file's path and the text it should have, by its name."""
    return {path.name: (path, text) for path, text in reference.generated_pages().items()}


@pytest.mark.parametrize(
    "name", ["cli.md", "python.md", "errors.md", "genre-names.md", "rooms.svg"]
)
def test_a_generated_page_is_up_to_date(name: str, generated: dict[str, tuple[Path, str]]) -> None:
    path, text = generated[name]
    assert path.read_text(encoding="utf-8") == text, "type scripts/docs"


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_and_option_is_documented(name: str) -> None:
    section = CLI_PAGE.partition(f"## genre-batch {name}\n")[2].partition("\n## ")[0]
    command = cli.commands[name]
    options = {option for param in command.params for option in param.opts if option[0] == "-"}
    assert options - set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", section)) == set()
    assert f"genre-batch {name}" in section


def test_every_public_name_is_documented() -> None:
    pages = "".join(
        (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
        for name in ("python.md", "errors.md")
    )
    for name in genre_batch.__all__:
        if name != "__version__":
            assert re.search(rf"^## {name}$|`{name}`", pages, re.MULTILINE), name


@pytest.mark.parametrize("part", [0, 1], ids=["tag", "audit"])
def test_the_summary_page_lists_every_field(part: int) -> None:
    page = (ROOT / "docs" / "reference" / "summary-json.md").read_text(encoding="utf-8")
    text = page.split("## Of an audit")[part]
    rows = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    kind = (genre_batch.TagSummary, genre_batch.AuditResult)[part]
    not_written = {"profile", "kept"}
    assert sorted(listed) == sorted({field.name for field in fields(kind)} - not_written)
