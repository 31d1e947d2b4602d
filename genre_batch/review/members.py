"""The members of a JSON object in its own text: found, and replaced without touching the others."""

from __future__ import annotations

import json
from collections.abc import Mapping

from genre_batch.catalog.reading.json_decoder import JsonDecoder

__all__ = ["member_spans", "member_text", "with_members"]

_DECODER = JsonDecoder("")


def member_spans(line: str) -> dict[str, tuple[int, int]]:
    """Return the start and the end of each member's value; of members with one key, the last.

    Args:
        line: the text of a JSON object.
    """
    spans: dict[str, tuple[int, int]] = {}
    position = line.index("{") + 1
    while True:
        position = _skip(line, position, " \t\r\n,")
        if line[position] == "}":
            return spans
        key, position = _DECODER.decode_at(line, position)
        start = _skip(line, position, " \t\r\n:")
        _, position = _DECODER.decode_at(line, start)
        spans[key] = start, position


def _skip(line: str, position: int, characters: str) -> int:
    while line[position] in characters:
        position += 1
    return position


def member_text(line: str, name: str) -> str | None:
    """Return the JSON text of a member's value; None if the object has no such member."""
    span = member_spans(line).get(name)
    return None if span is None else line[span[0] : span[1]]


def with_members(line: str, members: Mapping[str, str]) -> str:
    """Return the text of an object with other values of some members; missing ones come last.

    Args:
        line: the text of a JSON object.
        members: name -> JSON text of its value.
    """
    spans = member_spans(line)
    present = sorted((spans[name], text) for name, text in members.items() if name in spans)
    for (start, end), text in reversed(present):
        line = line[:start] + text + line[end:]
    for name, text in members.items():
        if name not in spans:
            body = line[: line.rindex("}")]
            end = len(body.rstrip())
            mark = "" if body[:end].endswith("{") else ", " if '": ' in line else ","
            colon = ": " if '": ' in line else ":"
            key = json.dumps(name, ensure_ascii=line.isascii())
            line = f"{body[:end]}{mark}{key}{colon}{text}{body[end:]}}}"
    return line
