"""Labeled catalogs, read once for all commands that train or evaluate: texts, labels, splits."""
