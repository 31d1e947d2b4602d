"""Promise: each console block of README and guides prints what it shows, on samples/."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.console import Block, Command, console_blocks, matches
from support.places import COMMAND, ROOT

pytestmark = pytest.mark.process

PAGES = [
    ROOT / "README.md",
    ROOT / "samples" / "README.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if "results" not in page.parts),
]
RUN = [page for page in PAGES if any(block.commands for block in console_blocks(page))]
TRAINS = ("genre-batch train", "genre-batch export-onnx", "genre-batch augment")
MUST_RUN = {ROOT / "README.md", ROOT / "docs" / "quickstart.md"}


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _trains(page: Path) -> bool:
    return any(
        command.line.startswith(TRAINS)
        for block in console_blocks(page)
        for command in block.commands
    )


def _need_programs(page: Path) -> None:
    """Skip, or in CI fail, where a program that the page's commands use is missing."""
    typed = " ".join(command.line for block in console_blocks(page) for command in block.commands)
    for used, program in {"jq ": "jq", "genre-batch augment ": "apertium"}.items():
        if used in typed and shutil.which(program) is None:
            missing = f"{program} is not installed: apt-get install {program}"
            if os.environ.get("GENRE_BATCH_REQUIRE_DATA"):
                pytest.fail(missing)
            pytest.skip(missing)


def _run(command: Command, folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {
        "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "HF_HUB_OFFLINE": "1",
        "LC_ALL": "C.UTF-8",
    }
    without = {"GENRE_BATCH_MODEL"}
    return subprocess.run(
        ["bash", "-c", command.line],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name not in without} | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,  # as in a terminal
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.training] if _trains(page) else [], id=_name(page))
        for page in RUN
    ],
)
def test_a_page_prints_what_its_console_blocks_show(page: Path, tmp_path: Path) -> None:
    _need_programs(page)
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    for block in console_blocks(page):
        for command in block.commands:
            done = _run(command, tmp_path)
            printed = done.stdout.splitlines()
            place = f"{_name(page)}, line {block.number}: {command.line}"
            assert done.returncode == 0, f"{place}\n{done.stdout}"
            assert matches(command.output, printed), f"{place}\n{done.stdout}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_a_block_is_run_or_says_why_not(page: Path) -> None:
    for block in console_blocks(page):
        place = f"{_name(page)}, line {block.number}"
        assert bool(block.commands) != bool(block.reason), f"{place}: {block.reason}"


@pytest.mark.parametrize("page", sorted(MUST_RUN), ids=_name)
def test_few_blocks_of_the_first_pages_are_not_run(page: Path) -> None:
    blocks = console_blocks(page)
    assert sum(bool(block.commands) for block in blocks) >= 2
    assert sum(block.reason is not None for block in blocks) <= 3


def test_no_page_writes_the_output_of_another() -> None:
    """A reader may follow one page after another: an existing output is an error."""
    pages: dict[str, set[str]] = {}
    for page in RUN:
        for block in console_blocks(page):
            for command in block.commands:
                for name in re.findall(r"(?<= -o )(?!/dev/)\S+", command.line):
                    pages.setdefault(name, set()).add(_name(page))
    assert {name: names for name, names in pages.items() if len(names) > 1} == {}
    assert "tagged.parquet" not in pages  # of README's first command


def test_a_line_of_dots_stands_for_any_lines() -> None:
    assert matches(("a", "...", "d"), ["a", "b", "c", "d  "])
    assert matches(("a", "...", "d"), ["a", "d"])
    assert not matches(("a", "...", "d"), ["a", "b"])


def test_dots_in_a_line_stand_for_any_text() -> None:
    assert matches(("took ... s",), ["took 3.1 s"])
    assert not matches(("took ... s",), ["took 3.1 min"])


def test_a_block_is_read_with_its_commands_and_reason(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- not run: no bucket -->\n```console\ntool s3://b\n```\ntext\n"
        "```console\n$ echo a\na\n$ true\n```\n"
    )
    first, second = console_blocks(page)
    assert first == Block(2, (), "no bucket")
    assert second.commands == (Command("echo a", ("a",)), Command("true", ()))
