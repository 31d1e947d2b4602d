"""`python -m genre_batch`."""

from __future__ import annotations

from genre_batch.cli import main

if __name__ == "__main__":
    main()
