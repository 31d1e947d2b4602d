"""The machine that a benchmark ran on: cores, processor, package versions."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genre_batch.cores import available_cores

__all__ = ["machine_facts", "machine_sentence"]

_MATRIX_FLAGS = re.compile(
    r"\b(avx2|avx512f|avx512_(?:vnni|bf16|fp16)|avx_vnni\w*|amx_\w+|asimddp|i8mm|bf16|sve2?)\b"
)
"""Processor flags (x86, Arm) that decide the speed of 8-bit and bfloat16 matrix products."""


def machine_facts(packages: Sequence[str]) -> dict[str, Any]:
    """Return cores, processor, flags, and the versions of Python and the installed packages."""
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return {
        "cores": available_cores(),
        "architecture": platform.machine(),
        "processor": model.group(1).strip() if model else "",
        "flags": sorted(set(_MATRIX_FLAGS.findall(text))),
        "versions": versions,
    }


def machine_sentence(facts: dict[str, Any]) -> str:
    """Return the facts of `machine_facts` as a sentence of Markdown."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    processor = facts["processor"] or "unnamed processor"
    flags = ", ".join(facts["flags"]) or "none"
    cores = "1 core" if facts["cores"] == 1 else f"{facts['cores']} cores"
    return (
        f"{cores} ({processor}, {facts['architecture']}; flags for fast products: "
        f"{flags}). {versions}."
    )
