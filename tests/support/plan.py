"""The plan of the house: its rooms and the arrows between them."""

from __future__ import annotations

__all__ = ["ROOMS"]

ROOMS = {
    "catalog": set[str](),
    "model": set[str](),
    "thresholds": set[str](),
    "tagging": {"catalog", "model", "profile"},
    "cluster": {"tagging", "catalog", "model"},
    "dataset": {"catalog", "model"},
    "review": {"catalog", "dataset", "model"},
    "auditing": {"catalog", "model", "profile", "tagging", "dataset"},
    "evaluation": {"dataset", "model", "thresholds", "catalog"},
    "profile": {"catalog"},
    "report": {"evaluation", "profile"},
    "augmentation": {"dataset", "catalog"},
    "runs": {"dataset", "model"},
    "training": {"runs", "dataset", "model", "thresholds", "evaluation", "report"},
    "exporting": {"training", "runs", "dataset", "model", "thresholds", "evaluation"},
    "comparison": {
        "training",
        "runs",
        "augmentation",
        "evaluation",
        "report",
        "dataset",
        "model",
        "thresholds",
        "catalog",
    },
}
"""Room -> the rooms that it may import besides itself."""
