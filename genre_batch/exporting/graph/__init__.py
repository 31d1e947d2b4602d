"""Rewrites of the exported ONNX graph, one per file, each with its error bound."""
