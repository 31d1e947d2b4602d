"""The members of a JSON object in its own text: found, and replaced without touching the others."""

from __future__ import annotations

import json
from collections.abc import Mapping

from genre_batch.catalog.json_members import json_members

__all__ = ["member_spans", "member_text", "with_members"]


def member_spans(line: str) -> dict[str, tuple[int, int]]:
    """Return the start and the end of each member's value; of members with one key, the last.

    Args:
        line: the text of a JSON object.
    """
    return {key: (start, end) for key, start, end in json_members(line)}


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
