"""Encoders: loading, pooling, pruning and inference."""
