"""Cut a large catalog into stretches of whole records, without parsing its cells."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.options import ReadingOptions
from genre_batch.catalog.reading import blocks
from genre_batch.catalog.reading.blocks import Block, Start, read_some, split_blocks
from genre_batch.catalog.reading.charset import UTF_8
from genre_batch.catalog.reading.delimited import RecordBlocks
from genre_batch.catalog.reading.json_values import are_lines
from genre_batch.catalog.reading.jsonlines import whole_lines
from genre_batch.catalog.reading.parquet_arrow import DAMAGED
from genre_batch.catalog.reading.section import Section
from genre_batch.catalog.stretches import Stretch
from genre_batch.errors import CatalogError, UsageError

__all__ = ["Cutting", "cut"]


@dataclass(frozen=True)
class Cutting:
    """The stretches of a catalog.

    Attributes:
        stretches: all of the catalog, in order; empty if it is not cut.
        sizes: the bytes of each; estimated for Parquet and Arrow.
        reason: why a catalog above the size is not cut; empty otherwise.
    """

    stretches: tuple[Stretch, ...] = ()
    sizes: tuple[int, ...] = ()
    reason: str = ""


def cut(
    location: Location,
    reading: ReadingOptions,
    size: int,
    *,
    as_table: bool = True,
    infer_types: bool = False,
) -> Cutting:
    """Cut a catalog into stretches of about a size.

    Parquet is cut between row groups and Arrow between batches, by their footers. Text is read once
    and cut between blocks of whole records.

    Args:
        location: the catalog.
        reading: how it is read.
        size: the bytes of a stretch; a catalog of fewer bytes is not cut.
        as_table: whether JSON objects become rows of a table.
        infer_types: whether CSV cells become numbers and dates.

    Returns:
        The stretches, or why there are none. A damaged catalog is not cut: its reader says why.
    """
    try:
        with location.open_raw() as raw:
            if not raw.seekable():
                return Cutting(reason="a pipe cannot be cut")
            length = raw.seek(0, io.SEEK_END)
            raw.seek(0)
            if length <= size:
                return Cutting()
            if location.format is Format.PARQUET:
                return _cut_row_groups(raw, length, size)
            if location.format is Format.ARROW:
                return _cut_batches(raw, length, size)
            return _cut_text(raw, location, reading, length, size, as_table, infer_types)
    except (CatalogError, UsageError):
        return Cutting()
    except DAMAGED:
        return Cutting()


def _cut_text(
    raw: BinaryIO,
    location: Location,
    reading: ReadingOptions,
    length: int,
    size: int,
    as_table: bool,
    infer_types: bool,
) -> Cutting:
    if location.decompress(raw) is not raw:
        return Cutting(reason="a compressed file cannot be cut")
    if reading.encoding != UTF_8:
        return Cutting(reason="only UTF-8 can be cut: set no `encoding`")
    if location.format is not Format.JSONL:
        if infer_types:
            return Cutting(reason="its types are known after the last row: omit `infer_types`")
        dialect = reading.dialect(location.format, UTF_8)
        records = RecordBlocks(raw, location.name, dialect)
        return _stretches(records.blocks(), records.section, records.start, length, size)
    if as_table:
        return Cutting(reason="its columns are known after the last row: write JSON Lines")
    if not _holds_lines(raw, location.name):
        return Cutting(reason="it is not one JSON object a line")
    section = Section(raw)
    found = split_blocks(cast(BinaryIO, section), location.name, whole_lines)
    return _stretches(found, lambda: section, Start(), length, size)


def _holds_lines(raw: BinaryIO, name: str) -> bool:
    section = cast(BinaryIO, Section(raw))
    head, at_end = b"", False
    while (lines := are_lines(head, at_end)) is None:
        piece = read_some(section, name, 1)
        head, at_end = head + piece, not piece
    return lines


def _stretches(
    found: Iterator[Block],
    section: Callable[[], Section],
    start: Start,
    length: int,
    size: int,
) -> Cutting:
    """Return the stretches of a text.

    Args:
        found: its blocks.
        section: returns the section that they are read from.
        start: where its records start.
        length: the bytes of the file.
        size: the bytes of a stretch.
    """
    cuts = [(start.byte_offset, start.line)]
    can_start = False
    for block in found:
        if can_start and block.byte_offset - cuts[-1][0] >= size:
            cuts.append((block.byte_offset, block.first_line))
        # A reader that starts here reads on to the same byte before it looks for a record's end,
        # unless more than a block was read before the end of this one was found.
        rest = section().position - block.byte_offset - len(block.data)
        can_start = rest < blocks.BLOCK_BYTES
    if len(cuts) > 1 and length - cuts[-1][0] < size / 2:
        del cuts[-1]
    if len(cuts) < 2:
        if length < 2 * blocks.BLOCK_BYTES:
            return Cutting(reason=f"text is cut every {blocks.BLOCK_BYTES >> 20} MiB at the finest")
        return Cutting(reason="its records are too large to be cut")
    ends = [offset for offset, _ in cuts[1:]] + [length]
    return Cutting(
        tuple(
            Stretch(index, len(cuts), offset, end, line)
            for index, ((offset, line), end) in enumerate(zip(cuts, ends, strict=True))
        ),
        tuple(end - offset for (offset, _), end in zip(cuts, ends, strict=True)),
    )


def _cut_row_groups(raw: BinaryIO, length: int, size: int) -> Cutting:
    metadata = pq.ParquetFile(raw).metadata
    # Uncompressed: the sizes of columns, which a damaged file may have wrong, are not looked at.
    expanded = [
        metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)
    ]
    scale = length / max(1, sum(expanded))
    if len(expanded) < 2:
        return Cutting(reason="a Parquet file of one row group cannot be cut")
    return _runs([round(scale * one) for one in expanded], size)


def _cut_batches(raw: BinaryIO, length: int, size: int) -> Cutting:
    if raw.read(6) != b"ARROW1":
        return Cutting(reason="an Arrow stream cannot be cut, only an Arrow file")
    raw.seek(0)
    count = pa.ipc.open_file(raw).num_record_batches
    if count < 2:
        return Cutting(reason="an Arrow file of one batch cannot be cut")
    return _runs([length // count] * count, size)


def _runs(sizes: Sequence[int], size: int) -> Cutting:
    """Return stretches of consecutive row groups or batches, of about a size each."""
    starts, total = [0], 0
    for number, one in enumerate(sizes):
        if total and total + one > size:
            starts.append(number)
            total = 0
        total += one
    if len(starts) < 2:
        return Cutting()
    runs = list(itertools.pairwise([*starts, len(sizes)]))
    return Cutting(
        tuple(Stretch(index, len(runs), *run) for index, run in enumerate(runs)),
        tuple(sum(sizes[start:end]) for start, end in runs),
    )
