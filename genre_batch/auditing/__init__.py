"""Audit a labeled catalog: which labels the model contradicts, and which rows to label next."""
