"""The paper's experiment: systems trained and scored on the same films. Needs `train`."""
