"""The review queue of a page: the records of an audit, made to fit, as JSON for queue.js."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Queue", "QueueRecord", "QueueRow", "queue_data"]

MAX_BYTES = 3_500_000
"""The size of the queue in a page, beside 0.9 MB of drawing library: 5 MB in all at most."""
_CUTS = (20_000, 4_000, 2_000, 1_000, 700, 500, 350, 250, 160, 80)
"""How many characters of each text a page has, at most; the first that fits."""
CUT = "…"
"""What a text that was cut ends with; `apply` compares it up to there."""
_PLACES = 4


@dataclass(frozen=True)
class QueueRow:
    """A row of the catalog.

    Attributes:
        row: its number, counted from 0.
        seen: whether the model was trained on its text.
        values: (columns,) its id, title, text and genres as text; None where it has none.
    """

    row: int
    seen: bool
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class QueueRecord:
    """A questionable label.

    Attributes:
        row: the row's place in `Queue.rows`.
        kind: `missing` or `doubtful`.
        genre: the genre.
        probability, score: 0..1.
    """

    row: int
    kind: str
    genre: str
    probability: float
    score: float


@dataclass(frozen=True)
class Queue:
    """The records of an audit.

    Attributes:
        download: the name of the file of decisions.
        command: what to type to apply it.
        columns: what the records call the row's columns, by role: `id`, `title`, `text`, `genres`.
        rows: each row of the catalog once.
        records: in their order.
        row_name: what the model calls a row, in the plural.
    """

    download: str
    command: str
    columns: Mapping[str, str]
    rows: Sequence[QueueRow]
    records: Sequence[QueueRecord]
    row_name: str = "films"


def queue_data(queue: Queue, total: int = 0, most: int | None = None) -> dict[str, Any]:
    """Return the queue as JSON values that take at most `most` bytes.

    Long texts are cut first, all at the same length; if that is not enough, the records with the
    lowest scores are left out, and the others keep their order.

    Args:
        queue: the records.
        total: the number of all records of the audit, if the queue has only some of them.
        most: the maximum size, in bytes; None: `MAX_BYTES`.

    Returns:
        What queue.js reads. `cut` is the length of texts, 0 if none was cut. The value of `key`
        depends on the content: decisions that a browser stores belong to it.
    """
    most = MAX_BYTES if most is None else most
    records = queue.records
    for cut in _CUTS:
        data = _data(queue, records, cut)
        if _size(data) <= most:
            break
    while (size := _size(data)) > most and len(records) > 1:
        records = _highest(records, max(1, int(len(records) * min(0.95, most / size))))
        data = _data(queue, records, _CUTS[-1])
    data["total"] = max(total, len(queue.records))
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    key = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]
    return {**data, "command": queue.command, "download": queue.download, "key": key}


def _highest(records: Sequence[QueueRecord], count: int) -> list[QueueRecord]:
    """Return the records with the highest scores, in their order; of equal ones, the first."""
    ranked = sorted(range(len(records)), key=lambda index: -records[index].score)
    return [records[index] for index in sorted(ranked[:count])]


def _size(data: Mapping[str, Any]) -> int:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    # What `page.embedded` escapes takes six characters.
    return len(text.encode("utf-8", "replace")) + 5 * sum(map(text.count, "<>&"))


def _data(queue: Queue, records: Sequence[QueueRecord], cut: int) -> dict[str, Any]:
    genres = {record.genre: None for record in records}
    index_of = {name: index for index, name in enumerate(genres)}
    kept = {record.row: None for record in records}
    place = {row: index for index, row in enumerate(kept)}
    was_cut = False
    rows = []
    for number in kept:
        row = queue.rows[number]
        values = []
        for value in row.values:
            if value is not None and len(value) > cut:
                value, was_cut = value[: cut - 1].rstrip() + CUT, True
            values.append(value)
        rows.append([row.row, int(row.seen), *values])
    return {
        "columns": [[role, name] for role, name in queue.columns.items()],
        "cut": cut if was_cut else 0,
        "genres": list(genres),
        "name": queue.row_name,
        "records": [
            [
                place[record.row],
                int(record.kind == "doubtful"),
                index_of[record.genre],
                round(record.probability, _PLACES),
                round(record.score, _PLACES),
            ]
            for record in records
        ],
        "rows": rows,
        "total": len(queue.records),
    }
