"""The unreadable rows of a catalog: count and report them; explain why no row could be read."""

from __future__ import annotations

import contextlib
import os
import shlex
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genre_batch.catalog.chunk import Chunk, TableChunk
from genre_batch.catalog.formats import Format, Location
from genre_batch.catalog.rejects import Reason, Reject, RejectsFile, padded_note, raise_on_reject
from genre_batch.errors import CatalogError, GenreBatchWarning
from genre_batch.path_checks import check_output_file, check_separate_files

if TYPE_CHECKING:
    from genre_batch.catalog.options import ReadingOptions

__all__ = ["PaddedRows", "RejectCount", "handled_rejects"]

_ADVICE: dict[Reason, str] = {
    "too_many_fields": "name every column in the header; set `delimiter` if another character "
    "separates the cells, or `skip_lines` if the header is further down",
    "not_an_object": "each line must be one JSON object",
    "invalid_json": "each line must be one JSON object: set `input_format` to the catalog's format",
}


class RejectCount:
    """Pass the rejects of one catalog on, and count them.

    Attributes:
        count: the number of rejects.
    """

    def __init__(self, on_reject: Callable[[Reject], None]) -> None:
        self.count = 0
        self._on_reject = on_reject
        self._first: Reject | None = None
        self._reasons: Counter[Reason] = Counter()

    def add(self, reject: Reject) -> None:
        """Count a reject and pass it on."""
        self.count += 1
        self._first = self._first or reject
        self._reasons[reject.reason] += 1
        self._on_reject(reject)

    def check_any_read(self, location: Location, rows: int) -> None:
        """Check, after the last row, that not every row was rejected.

        Raises:
            CatalogError: there were rows, but none could be read; the message has the likely
                reason.
        """
        if message := self.why_none_read(location, rows):
            raise CatalogError(message)

    def why_none_read(self, location: Location, rows: int) -> str:
        """Return, after the last row, why every row was rejected; empty if not every row was.

        Files of a header only that were joined have no rows, as one of them has.
        """
        if rows or self._first is None or set(self._reasons) == {"repeated_header"}:
            return ""
        most = self._reasons.most_common(1)[0][0]
        example = self._first
        advice = _looks_like_csv(location, example) or _lists_with_names(location, example)
        advice = advice or _ADVICE.get(most) or example.advice
        advice = advice or "check the input's format"
        return f"no row of {location.name} could be read: {example}: {advice}"


def _looks_like_csv(location: Location, first: Reject) -> str | None:
    """Return what to type if a catalog that was read as JSON Lines starts with a CSV header."""
    if location.format is not Format.JSONL or first.reason != "invalid_json":
        return None
    line = first.raw.strip()
    if any(mark in line for mark in b"{}[]<"):
        return None
    kind = "tsv" if line.count(b"\t") > line.count(b",") else "csv"
    if not any(mark in line for mark in b",;\t|"):
        return None
    return f"it looks like {kind.upper()}: set `input_format` to {kind}"


def _lists_with_names(location: Location, first: Reject) -> str | None:
    """Return what to type if rows are JSON lists, of which the first may be a header."""
    if first.reason != "not_an_object" or not first.raw.lstrip().startswith(b"["):
        return None
    query = ".[0] as $c | .[1:][] | [$c, .] | transpose | map({(.[0]): .[1]}) | add"
    # One list of lists, or a list on each line, which jq has to gather first.
    options = "-c" if first.raw.replace(b" ", b"").startswith(b"[[") else "-sc"
    file = "" if location.is_stdio else f" {shlex.quote(location.name)}"
    command = f"jq {options} '{query}'{file} > rows.jsonl"
    return f"if the first list has the names of the columns: {command}"


@contextlib.contextmanager
def handled_rejects(
    location: Location, reading: ReadingOptions
) -> Iterator[Callable[[Reject], None]]:
    """Yield the callback for unreadable rows; write them on exit, and warn of them.

    For commands that write no catalog: without `rejects`, unreadable rows are only counted.

    Args:
        location: the catalog that is read.
        reading: its options `rejects` and `strict`.

    Raises:
        UsageError: the rejects file is the catalog, or is in a folder that does not exist.
        CatalogError: the rejects file cannot be written, or is a file of another kind.
    """
    if reading.strict:
        yield raise_on_reject
        return
    path = None if reading.rejects is None else os.fspath(reading.rejects)
    file = RejectsFile(path)
    if path is not None:
        check_output_file(path, name="`rejects`")
        check_separate_files([("`rejects`", path)], [file.path for file in location.each_file])
        file.check_is_replaceable()
    try:
        yield file.add
        file.commit()
    except BaseException:
        file.rollback()
        raise
    if file.count:
        warnings.warn(file.note(), GenreBatchWarning, stacklevel=3)


@dataclass
class PaddedRows:
    """The rows with too few fields, which were padded with nulls.

    Attributes:
        count: their number.
        first: the place and the text of the first of them; empty if there are none.
    """

    count: int = 0
    first: str = ""

    def add(self, chunk: Chunk) -> None:
        """Count those of a chunk."""
        if isinstance(chunk, TableChunk):
            self.count += chunk.short_rows
            self.first = self.first or chunk.first_short

    def warn(self) -> None:
        """Warn of them, if there are any."""
        if self.count:
            warnings.warn(padded_note(self.count, self.first), GenreBatchWarning, stacklevel=3)
