"""Labelled catalog -> fine-tuned DistilBERT in a run folder. Needs the extra `train`."""
