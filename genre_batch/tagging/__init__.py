"""Run a tagging job on this machine: catalog rows in, rows with predicted genres out."""
