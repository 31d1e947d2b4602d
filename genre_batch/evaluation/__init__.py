"""Scoring a model on a labeled catalog, and tuning its thresholds."""
