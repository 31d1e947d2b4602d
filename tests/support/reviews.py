"""Review files, written."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write_review"]


def write_review(folder: Path, *records: str, header: str = "row,kind,genre,decision") -> Path:
    """Write review.csv in a folder; return its path."""
    path = folder / "review.csv"
    path.write_text("\n".join([header, *records]) + "\n", encoding="utf-8")
    return path
