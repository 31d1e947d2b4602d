"""Find one threshold per genre from probabilities and labels. Needs numpy only."""
