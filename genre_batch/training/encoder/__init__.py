"""Encoders: base models, pooling, pruning, and inference with them."""
