"""Labelled catalogs, read once for every command that learns or measures: texts, labels, splits."""
