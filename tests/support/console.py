"""The console blocks of a Markdown page: what is typed, what is printed, and why one is not run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Block", "Command", "console_blocks", "matches"]

_FENCE = re.compile(r"^```(\w*)\s*$")
_NOT_RUN = re.compile(r"^<!-- not run: (.+) -->$")
_PROMPT = "$ "


@dataclass(frozen=True)
class Command:
    """One command of a block.

    Attributes:
        line: what is typed.
        output: the lines that it prints; `...` stands for any text within a line, and a line of
            `...` alone for any number of lines.
    """

    line: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One console block.

    Attributes:
        number: the line of the page on which it starts, from 1.
        commands: those with a prompt, which are run.
        reason: why the block is not run, from the comment above it; None without one.
    """

    number: int
    commands: tuple[Command, ...]
    reason: str | None


def console_blocks(page: Path) -> list[Block]:
    """Return a page's `console` blocks in order."""
    blocks: list[Block] = []
    reason: str | None = None
    fence, start, body = "", 0, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        opened = _FENCE.match(line)
        if fence:
            if line == "```":
                if fence == "console":
                    blocks.append(Block(start, _commands(body), reason))
                fence, reason = "", None
            else:
                body.append(line)
        elif opened:
            fence, start, body = opened[1] or "text", number, []
        elif line.strip():
            told = _NOT_RUN.match(line)
            reason = told[1] if told else None
    return blocks


def _commands(body: list[str]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for line in body:
        if line.startswith(_PROMPT):
            commands.append(Command(line.removeprefix(_PROMPT), ()))
        elif commands:
            last = commands[-1]
            commands[-1] = Command(last.line, (*last.output, line))
    return tuple(commands)


def matches(expected: tuple[str, ...], printed: list[str]) -> bool:
    """Tell whether printed lines are the expected ones; spaces at their ends do not count."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            text = ".*".join(re.escape(piece) for piece in line.rstrip().split("..."))
            parts.append(rf"{text}[ ]*\n")
    text = "".join(f"{line.rstrip()}\n" for line in printed)
    return re.fullmatch("".join(parts), text) is not None
