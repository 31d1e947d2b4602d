"""Read catalogs: bytes of any supported format in, chunks of rows out."""
