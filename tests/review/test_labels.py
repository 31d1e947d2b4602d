"""review/labels.py: how a catalog writes its genres, whatever the type of its column."""

from __future__ import annotations

import pyarrow as pa
import pytest

from genre_batch.catalog.chunk import TableChunk
from genre_batch.review.labels import GenreColumn, GenreEdit


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_view(pa.string()),
        pa.large_list(pa.dictionary(pa.int32(), pa.string())),
    ],
    ids=str,
)
def test_lists_of_every_layout_are_read_alike(kind: pa.DataType) -> None:
    column = GenreColumn("genres", None, ", ", {})
    column.add(TableChunk(pa.table({"genres": pa.array([["Drama", "War"], None], kind)})))
    column.finish()
    assert column.known() == ("Drama", "War")
    edit = GenreEdit(remove={column.key("war")}, add=["Comedy"])
    assert column.changed({"genres": ["Drama", "War"]}, edit) == {"genres": ["Drama", "Comedy"]}
