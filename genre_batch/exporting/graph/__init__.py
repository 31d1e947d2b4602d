"""Graph -> graph rewrites of the exported ONNX, one a file, each with its error bound."""
