"""For speed.py and startup.py: the machine's facts, and a figure's spread over rounds."""

from __future__ import annotations

import platform
import re
import statistics
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genre_batch.cores import available_cores

_FAST_PRODUCTS = re.compile(
    r"\b(avx2|avx512f|avx512_(?:vnni|bf16|fp16)|avx_vnni\w*|amx_\w+|asimddp|i8mm|bf16|sve2?)\b"
)
"""Flags on which the speed of 8-bit and bfloat16 matrix products depends, x86's and Arm's."""


def machine(packages: Sequence[str]) -> dict[str, Any]:
    """Cores, processor, and the versions of those of the packages that are installed."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    try:
        said = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        said = ""
    model = re.search(r"^model name\s*:\s*(.+)$", said, re.MULTILINE)
    return {
        "cores": available_cores(),
        "architecture": platform.machine(),
        "processor": model.group(1).strip() if model else "",
        "flags": sorted(set(_FAST_PRODUCTS.findall(said))),
        "versions": versions,
    }


def described(facts: dict[str, Any]) -> str:
    """The facts of `machine` as one sentence of Markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    processor = facts["processor"] or "unnamed processor"
    flags = ", ".join(facts["flags"]) or "none"
    cores = "1 core" if facts["cores"] == 1 else f"{facts['cores']} cores"
    return (
        f"{cores} ({processor}, {facts['architecture']}; flags for fast products: "
        f"{flags}). {versions}."
    )


def confidence(rounds: int) -> str:
    """What the range of so many rounds is worth, for below a table.

    Each round is as likely above the true median as below it, so the range misses it only when all
    are on one side: with probability 2 ** (1 - rounds), whatever the distribution.
    """
    if rounds == 1:
        return "One round: what it is worth is not known"
    return (
        f"Median of {rounds} rounds; in brackets their lowest and highest, which hold the true "
        f"median with a confidence of {1 - 2.0 ** (1 - rounds):.0%}"
    )


def spread(values: Sequence[float], form: str) -> str:
    """`median (lowest-highest)`, each in this format."""
    middle, low, high = (
        format(value, form) for value in (statistics.median(values), min(values), max(values))
    )
    return f"{middle} ({low}-{high})"
