"""Predicted genres for DataFrames of Spark (extra `spark`)."""

from __future__ import annotations

from genre_batch.cluster.spark import tag

__all__ = ["tag"]
