"""Run folder -> one ONNX file with labels, thresholds and tokenizer. Needs the extra `train`."""
