"""The exported ONNX model: texts -> probabilities -> genres. Knows no catalog and no torch."""
