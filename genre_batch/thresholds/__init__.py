"""Thresholds from probabilities and labels, one per genre. numpy only."""
