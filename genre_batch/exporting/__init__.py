"""Export a training run as one ONNX file with labels, thresholds and tokenizer. Needs `train`."""
