"""What a catalog holds: genres, years, pairs and confidence, counted while it is read."""
