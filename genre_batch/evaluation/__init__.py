"""Scoring a model on a labelled catalog, and tuning its thresholds."""
