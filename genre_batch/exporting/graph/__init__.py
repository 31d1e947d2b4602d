"""Rewrites of the exported ONNX graph, one a file, each with its error bound."""
