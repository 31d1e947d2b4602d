"""What records call a genre: the name of the map, or the one that the row itself has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.auditing.labels import Labels
from genre_batch.names import clean_name, name_key

__all__ = ["OwnNames"]


class OwnNames:
    """Genre names in records.

    A map may have several names of one genre, of which one is written. A record about a genre that
    a row has by another of them has that one: it is the label that is right or wrong.
    """

    def __init__(
        self, labels: Labels | None, genres: Sequence[str], written: Sequence[str]
    ) -> None:
        """Find the rows that have other names.

        Args:
            labels: the catalog's genre cells; None: it has no row.
            genres: those of the model.
            written: (genres,) the name of each in records.
        """
        self._count = len(genres)
        names = dict.fromkeys(written)
        other = {} if labels is None else self._others(labels, genres, written)
        names |= dict.fromkeys(other.values())
        place = {name: index for index, name in enumerate(names)}
        self._names = pa.array(list(names), pa.string())
        self._usual = np.array([place[name] for name in written], dtype=np.int64)
        keys = sorted(other)
        self._keys = np.array(keys, dtype=np.int64)
        self._places = np.array([place[other[key]] for key in keys], dtype=np.int64)

    def _others(
        self, labels: Labels, genres: Sequence[str], written: Sequence[str]
    ) -> dict[int, str]:
        """Return code and genre, as one number -> the name in the cell, where it is another."""
        usual = list(map(name_key, written))
        mapped = {
            one.name: genres.index(one.genres[0])
            for one in labels.naming.readings
            if one.by == "map" and len(one.genres) == 1 and one.genres[0] in genres
        }
        found: dict[int, str] = {}
        for code, cell in enumerate(labels.own):
            keys = set(map(name_key, cell))
            for name in cell:
                genre = mapped.get(name)
                if genre is not None and usual[genre] not in keys:
                    found.setdefault(code * self._count + genre, clean_name(name))
        return found

    def of(self, codes: npt.NDArray[np.int32], genres: npt.NDArray[np.int64]) -> pa.Array:
        """Return (n,) the genre names that rows have.

        Args:
            codes: (n,) of the rows' cells.
            genres: (n,) positions of genres; -1 where there is none, which gives null.
        """
        places = self._usual[genres]
        if len(self._keys):
            keys = codes.astype(np.int64) * self._count + genres
            index = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            places = np.where(self._keys[index] == keys, self._places[index], places)
        return self._names.take(pa.array(places, mask=genres < 0))
