"""Rows in, rows out: CSV, TSV, JSON Lines, Parquet and Arrow catalogs. Knows no model."""
