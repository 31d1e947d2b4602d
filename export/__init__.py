"""The shipped model, installed as `genre_batch.export`."""
