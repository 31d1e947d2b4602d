"""Back-translation of a catalog's films with rarer genres. Only `marian.py` needs torch."""
