"""Run a tagging job in parts: one after another here, a share of them, or all on a Ray cluster."""
