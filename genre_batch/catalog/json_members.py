"""The members of a JSON object in its own text."""

from __future__ import annotations

from collections.abc import Iterator

from genre_batch.catalog.reading.json_decoder import JsonDecoder

__all__ = ["json_members"]

_DECODER = JsonDecoder("")


def json_members(line: str) -> Iterator[tuple[str, int, int]]:
    """Yield the key of each member, and the start and the end of its value, in order.

    Args:
        line: the text of a JSON object.
    """
    position = line.index("{") + 1
    while True:
        position = _skip(line, position, " \t\r\n,")
        if line[position] == "}":
            return
        key, position = _DECODER.decode_at(line, position)
        start = _skip(line, position, " \t\r\n:")
        _, position = _DECODER.decode_at(line, start)
        yield key, start, position


def _skip(line: str, position: int, characters: str) -> int:
    while line[position] in characters:
        position += 1
    return position
