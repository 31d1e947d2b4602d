"""Promise: a table converted between any two formats keeps its values."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genre_batch.catalog.chunk import TableChunk
from genre_batch.catalog.formats import Location, input_location, output_location
from genre_batch.catalog.reading.reader import CatalogReader, ReadOptions
from genre_batch.catalog.reading.whole import read_table
from genre_batch.catalog.writing.encoder import EncoderOptions
from genre_batch.catalog.writing.writer import open_writer
from support.delivery import scaled

pytestmark = pytest.mark.slow

SUFFIXES = ("csv", "tsv.gz", "jsonl", "jsonl.zst", "parquet", "arrow")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
WHOLE = st.integers(-(2**63), 2**63 - 1)
FRACTION = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw: st.DrawFn, plain: bool) -> pa.Table:
    """A table of text and, unless `plain`, of numbers, booleans and lists."""
    rows = draw(st.integers(1, 6))
    kinds: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [(pa.string(), TEXT)]
    if not plain:
        kinds += [
            (pa.int64(), WHOLE),
            (pa.float64(), FRACTION),
            (pa.bool_(), st.booleans()),
            (pa.list_(pa.string()), st.lists(TEXT, max_size=3)),
        ]
    columns = {"overview": pa.array(["text"] * rows, pa.string())}
    for at in range(draw(st.integers(0, 3))):
        kind, values = draw(st.sampled_from(kinds))
        cells = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns[f"c{at}"] = pa.array(cells, kind)
    return pa.table(columns)


def _write(table: pa.Table, place: Location) -> None:
    genres = pa.table({"g": pa.array([["Drama"]] * len(table), pa.list_(pa.string()))})
    with open_writer(place, EncoderOptions(), force=True) as writer:
        writer.write(TableChunk(table), genres)


def _copy(source: Location, target: Location) -> None:
    as_table = "jsonl" not in target.path
    with (
        CatalogReader([source], ReadOptions(as_table=as_table)) as reader,
        open_writer(target, EncoderOptions(), force=True) as writer,
    ):
        for chunk in reader.chunks():
            genres = pa.array([["Drama"]] * len(chunk), pa.list_(pa.string()))
            writer.write(chunk, pa.table({"g": genres}))


def _through(table: pa.Table, *suffixes: str) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        places = [str(Path(folder, f"{at}.{suffix}")) for at, suffix in enumerate(suffixes)]
        _write(table, output_location(places[0]))
        for one, other in itertools.pairwise(places):
            _copy(input_location(one), output_location(other))
        return read_table(input_location(places[-1])).select(table.column_names)


@pytest.mark.parametrize("pair", list(itertools.product(SUFFIXES, SUFFIXES)), ids="-".join)
@settings(max_examples=scaled(15))
@given(table=tables(plain=True))
def test_text_survives_every_pair_of_formats(pair: tuple[str, str], table: pa.Table) -> None:
    # A column of nothing but nulls has no type in JSON Lines.
    assert _through(table, *pair).to_pylist() == table.to_pylist()


@pytest.mark.parametrize(
    "pair", list(itertools.product(["jsonl", "parquet", "arrow"], repeat=2)), ids="-".join
)
@settings(max_examples=scaled(25))
@given(table=tables(plain=False))
def test_numbers_nulls_and_lists_survive_the_formats_that_have_them(
    pair: tuple[str, str], table: pa.Table
) -> None:
    assert _through(table, *pair).to_pylist() == table.to_pylist()


@pytest.mark.parametrize("pair", list(itertools.product(["parquet", "arrow"], repeat=2)))
@settings(max_examples=scaled(25))
@given(table=tables(plain=False))
def test_types_survive_the_formats_that_have_them(pair: tuple[str, str], table: pa.Table) -> None:
    assert _through(table, *pair).schema.types == table.schema.types
