"""The records of an audit: what is doubted, followed by the row's own columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.columns import matching_columns
from genre_batch.catalog.nested import is_list
from genre_batch.catalog.texts import holds_text
from genre_batch.catalog.writing.encoder import Encoder
from genre_batch.dataset.labelled import LabelledColumns

__all__ = ["DOUBTFUL", "FIELDS", "MISSING", "UNLABELED", "OwnColumns", "Records", "write_records"]

MISSING, DOUBTFUL, UNLABELED = "missing", "doubtful", "unlabeled"
FIELDS = ("row", "kind", "genre", "probability", "score", "seen_in_training")
"""The columns of a record before those of its row."""
_ID_COLUMNS = (
    *("id", "movie_id", "film_id", "movieid", "show_id", "tmdb_id", "imdb_id", "tmdbid"),
    *("imdbid", "tconst", "uid", "uuid", "isbn", "doi", "key"),
)
_PREFIX = "catalog_"
_GENRES = "genres"


@dataclass(frozen=True)
class OwnColumns:
    """The columns of a catalog that its records have.

    Attributes:
        id, title, text: as the catalog names them; None where it has none.
        genres: likewise; None if its genres are columns of 0 and 1.
    """

    id: str | None
    title: str | None
    text: str
    genres: str | None

    @classmethod
    def of(cls, columns: Sequence[str], used: LabelledColumns, title: str | None) -> OwnColumns:
        """Find them.

        Args:
            columns: the catalog's columns.
            used: those that hold its text and genres.
            title: the title column, if there is one.
        """
        genres = None if used.label_columns else used.genres
        taken = (title, used.text, genres)
        ids = [name for name in matching_columns(columns, _ID_COLUMNS) if name not in taken]
        return cls(ids[0] if ids else None, title, used.text, genres)

    @property
    def kept(self) -> list[str]:
        """The columns to copy, each once, without that of genres."""
        names = dict.fromkeys((self.id, self.title, self.text))
        return [name for name in names if name is not None and name != self.genres]

    def needed(self, used: LabelledColumns) -> list[str]:
        """Return the columns of a catalog that its records and the model need, each once.

        Args:
            used: those that hold its text, title and genres.
        """
        names = (*self.kept, self.genres, used.text, used.title)
        return list(dict.fromkeys(name for name in names if name is not None))

    @property
    def renamed(self) -> dict[str, str]:
        """What each column is called in a record: as in the catalog, unless the name is taken."""
        names: dict[str, str] = {}
        for name in (*self.kept, self.genres or _GENRES):
            given = name
            while given in FIELDS or given in names.values():
                given = _PREFIX + given
            names[name] = given
        return names


@dataclass(frozen=True, eq=False)
class Records:
    """Records in the order in which they are written.

    Attributes:
        rows: (n,) int64 row numbers, 0-based.
        kinds: (n,) strings; null where there is none.
        genres: (n,) strings; null where there is none.
        probabilities: (n,) 0..1; NaN where there is none.
        scores: (n,) 0..1; NaN where there is none.
        seen: (n,) bool: whether the model was trained on the row's text.
    """

    rows: npt.NDArray[np.int64]
    kinds: pa.Array
    genres: pa.Array
    probabilities: npt.NDArray[np.floating]
    scores: npt.NDArray[np.floating]
    seen: npt.NDArray[np.bool_]

    def table(self) -> pa.Table:
        """Return the records as a table of the columns `FIELDS`."""
        columns = (
            pa.array(self.rows, pa.int64()),
            self.kinds,
            self.genres,
            _or_null(self.probabilities),
            _or_null(self.scores),
            pa.array(self.seen),
        )
        return pa.table(columns, names=list(FIELDS))


def _or_null(values: npt.NDArray[np.floating]) -> pa.Array:
    return pa.array(values.astype(np.float32), from_pandas=True)


def write_records(
    writer: Encoder, records: Records, rows: TableChunk, own: OwnColumns, names: pa.Array | None
) -> None:
    """Write records with the columns of their rows.

    Args:
        writer: of the output.
        records: n records.
        rows: the catalog's row of each of them, (n,).
        own: the columns that are copied.
        names: (n,) lists of the genres of each row, for a catalog without a column of genres.
    """
    table = records.table()
    renamed = own.renamed
    for name in own.kept:
        table = table.append_column(renamed[name], rows.table.column(name))
    name = renamed[own.genres or _GENRES]
    column = names if own.genres is None else rows.table.column(own.genres)
    assert column is not None
    if is_list(column.type) and holds_text(column.type.value_type):
        # As an added column, a list is joined in CSV, as the genres that `tag` adds are.
        genres = pa.table({name: column.cast(pa.list_(pa.string()))})
    else:
        table, genres = table.append_column(name, column), pa.table({})
    writer.write(TableChunk(table), genres)
