"""Predicted genres for data sets of Ray Data (extra `ray`)."""

from __future__ import annotations

from genre_batch.cluster.ray_data import TagBatches

__all__ = ["TagBatches"]
