"""Rows in, rows out: CSV, TSV, JSON Lines, Parquet and Arrow catalogs. Independent of the model."""
