"""Rows that cannot be read: where they stand, why, and their raw text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from genre_batch.errors import CatalogError

__all__ = ["Reason", "Reject", "refuse"]

Reason = Literal["too_many_fields", "invalid_utf8", "bad_quoting", "invalid_json", "not_an_object"]

_IN_WORDS: dict[Reason, str] = {
    "too_many_fields": "has more fields than the header",
    "invalid_utf8": "is not valid UTF-8",
    "bad_quoting": "has broken quoting",
    "invalid_json": "is not valid JSON",
    "not_an_object": "is JSON but no object",
}


@dataclass(frozen=True)
class Reject:
    """One record that cannot be read.

    Attributes:
        file: the catalog's name.
        line: the physical line (1-based, the header is line 1) on which the record starts.
        byte_offset: where the record starts in the decompressed bytes.
        reason: why it cannot be read.
        raw: the record's bytes, without the line end.
    """

    file: str
    line: int
    byte_offset: int
    reason: Reason
    raw: bytes


def refuse(reject: Reject) -> None:
    """The strict policy: stop at the first bad row.

    Raises:
        CatalogError: always; it names file, line, byte offset and reason.
    """
    shown = reject.raw[:60].decode("utf-8", "replace").strip()
    raise CatalogError(
        f"{reject.file}, line {reject.line} (byte {reject.byte_offset}) "
        f"{_IN_WORDS[reject.reason]}: {shown!r}: mend or remove that line"
    )
