"""A run's folder: its files and stages, whether they are whole, and a lock against a second run."""
