"""Back-translation: a catalog's rarer films again in other words. Only `marian.py` needs torch."""
