"""The exported ONNX model: texts -> probabilities -> genres. Needs neither catalog nor torch."""
