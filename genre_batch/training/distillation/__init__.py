"""Distillation: learning from teachers' probabilities and from a larger encoder's vectors."""
