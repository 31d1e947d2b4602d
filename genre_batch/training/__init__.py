"""Training: from a labeled catalog to a run folder with a model. Needs the extra `train`."""
