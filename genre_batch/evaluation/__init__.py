"""How good predictions are: metrics, each with an interval."""
