"""Names of operating points that state a target: `precision=0.95`, `cost=1:5`.

A target may be for one genre, `Horror:precision=0.9`, and a name may have several, separated by
commas: `precision=0.8,Horror:precision=0.95`. A genre's name may contain commas and colons.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from genre_batch.errors import UsageError

__all__ = ["Target", "canonical_name", "is_target", "parse_targets"]

_TARGET = re.compile(
    r"\s*(?:(?P<genre>\S.*?)\s*:\s*)??"
    r"(?P<kind>precision|recall|cost)\s*=\s*(?P<values>[^,:=\s]+(?:\s*:\s*[^,:=\s]+)?)\s*(?:,|$)",
    re.DOTALL,
)
_FORM = (
    "precision=X or recall=X (X above 0, at most 1) or cost=FP:FN (both above 0), also for one "
    "genre, as in Horror:precision=0.9"
)


@dataclass(frozen=True)
class Target:
    """What the thresholds of an operating point are to reach.

    Attributes:
        kind: `precision`, `recall` or `cost`.
        values: the least precision or recall, above 0 and at most 1; or the cost of a false
            positive and of a false negative, both above 0.
        genre: the only genre that it is for; None: all.
    """

    kind: str
    values: tuple[float, ...]
    genre: str | None = None

    def __str__(self) -> str:
        """Return the canonical name: `Horror:precision=0.9`."""
        values = ":".join(f"{value:.10g}" for value in self.values)
        return f"{'' if self.genre is None else self.genre + ':'}{self.kind}={values}"


def parse_targets(name: str) -> tuple[Target, ...]:
    """Return the targets of an operating point's name: the one for all genres first.

    Raises:
        UsageError: the name has another form, a value out of range, or two targets for the same
            genre.
    """
    targets: list[Target] = []
    position = 0
    while position < len(name) or not targets:
        found = _TARGET.match(name, position)
        values = _values(found) if found else None
        if found is None or values is None:
            raise UsageError(f"`operating_points` must be {_FORM}; got {name!r}")
        targets.append(Target(found["kind"], values, found["genre"]))
        position = found.end()
    genres = [target.genre for target in targets]
    for genre in genres:
        if genres.count(genre) > 1:
            where = "all genres" if genre is None else repr(genre)
            raise UsageError(
                f"`operating_points`: {name!r} has two targets for {where}: give one of them"
            )
    return tuple(sorted(targets, key=lambda target: (target.genre is not None, target.genre or "")))


def _values(found: re.Match[str]) -> tuple[float, ...] | None:
    """Return the numbers of a target; None if they are out of range."""
    try:
        values = tuple(float(part) for part in found["values"].split(":"))
    except ValueError:
        return None
    if found["kind"] == "cost":
        valid = len(values) == 2 and all(value > 0 and math.isfinite(value) for value in values)
    else:
        valid = len(values) == 1 and 0 < values[0] <= 1
    return values if valid else None


def is_target(name: str) -> bool:
    """Return whether the name of an operating point states targets."""
    try:
        parse_targets(name)
    except UsageError:
        return False
    return True


def canonical_name(name: str) -> str:
    """Return the name under which a model file has an operating point.

    `precision=.950` is `precision=0.95`; a name that states no target stays as it is.
    """
    return ",".join(map(str, parse_targets(name))) if is_target(name) else name
