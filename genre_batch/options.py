"""Dataclasses of options: the values that each option may take, and options by flat names."""

from __future__ import annotations

import json
import math
import numbers
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from genre_batch.errors import UsageError

__all__ = [
    "FLAG",
    "SEED",
    "STRING",
    "STRINGS",
    "Checked",
    "StrPath",
    "check_job",
    "check_strings",
    "flat_values",
    "from_flat_options",
    "from_flat_values",
    "instance_of",
    "integer",
    "name_list",
    "nearest_name",
    "number",
    "one_of",
    "size_in_bytes",
    "toml_value",
]

StrPath = str | os.PathLike[str]
Made = TypeVar("Made")

_TOO_LARGE = 1 << 63
"""An integer that other libraries cannot hold."""

_KINDS = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a string",
    tuple: "a list of strings",
}


@dataclass(frozen=True)
class _Allowed:
    """The values that an option may take.

    Attributes:
        kind: the type; `float` allows integers too, `str` paths, `tuple` lists of either.
        low, high: limits of a number; None: no limit.
        low_open, high_open: whether the limit itself is excluded.
        choices: the allowed strings; empty: all.
    """

    kind: type
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    choices: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        limits = []
        if self.low is not None:
            limits.append(f"above {self.low:g}" if self.low_open else f"{self.low:g} or more")
        if self.high is not None:
            limits.append(f"{'below' if self.high_open else 'at most'} {self.high:.10g}")
        return _KINDS[self.kind] + (f" ({' and '.join(limits)})" if limits else "")

    def has(self, value: Any) -> bool:
        """Return whether a value is allowed."""
        if self.kind is tuple:
            return isinstance(value, tuple | list) and all(_is_path(path) for path in value)
        if self.kind is str:
            return _is_path(value) and (not self.choices or value in self.choices)
        if self.kind is bool or isinstance(value, bool):
            return self.kind is bool and isinstance(value, bool)
        if not isinstance(value, numbers.Integral if self.kind is int else numbers.Real):
            return False
        if isinstance(value, numbers.Integral) and abs(int(value)) >= _TOO_LARGE:
            return False
        value = float(value)
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return math.isfinite(value) and above and below

    def check(self, name: str, value: Any) -> Any:
        """Return an allowed value, a number or list in the option's own type.

        Raises:
            UsageError: the value is not allowed.
        """
        if not self.has(value):
            if isinstance(value, int) and abs(value) >= _TOO_LARGE:
                raise UsageError(f"`{name}` must be below 2 ** 63: leave it out for no limit")
            raise UsageError(f"`{name}` must be {self}, got {value!r}")
        return self.kind(value) if self.kind in (int, float, tuple) else value


@dataclass(frozen=True)
class _Instance:
    """The values of an option that is a dataclass of options, or another object."""

    kind: type

    def check(self, name: str, value: Any) -> Any:
        """Return a value of this kind.

        Raises:
            UsageError: it is of another kind.
        """
        if not isinstance(value, self.kind):
            raise UsageError(f"`{name}` must be {_call(self.kind)}, got {value!r}")
        return value


def _call(kind: type, names: Sequence[str] = ()) -> str:
    """Return how a dataclass is made, with the fields that it needs or, without any, `names`."""
    needed = [
        option.name
        for option in fields(kind)
        if option.default is MISSING and option.default_factory is MISSING
    ]
    return f"{kind.__name__}({', '.join(f'{name}=...' for name in needed or names)})"


def check_job(function: str, job: Any, kind: type) -> None:
    """Check that a function is given a job of its own kind.

    Args:
        function: the public name of the function.
        job: what it was given.
        kind: the dataclass of its jobs.

    Raises:
        UsageError: it is something else, such as the path of a catalog.
    """
    if not isinstance(job, kind):
        first = next(option.name for option in fields(kind) if not option.kw_only)
        raise UsageError(f"{function} takes a job, got {job!r}: pass {_call(kind, [first])}")


def check_strings(name: str, values: Any) -> tuple[str, ...]:
    """Return a list of strings as a tuple.

    Raises:
        UsageError: it is one bare string, or not a list of strings.
    """
    return tuple(os.fspath(value) for value in STRINGS["allowed"].check(name, values))


def _is_path(value: Any) -> bool:
    return isinstance(value, str | os.PathLike)


def one_of(*choices: str) -> dict[str, _Allowed]:
    """Return the metadata of a field that takes one of some strings."""
    return {"allowed": _Allowed(str, choices=choices)}


def integer(low: int, high: int | None = None) -> dict[str, _Allowed]:
    """Return the metadata of a field that takes an integer from `low` to `high`, if it is given."""
    return {"allowed": _Allowed(int, low=low, high=high)}


def instance_of(kind: type) -> dict[str, _Instance]:
    """Return the metadata of a field that takes an instance of a dataclass."""
    return {"allowed": _Instance(kind)}


def number(
    low: float, high: float | None = None, *, low_open: bool = False, high_open: bool = False
) -> dict[str, _Allowed]:
    """Return the metadata of a field that takes a finite number.

    Args:
        low: lower limit.
        high: upper limit; None: none.
        low_open, high_open: whether the limit itself is excluded.
    """
    return {"allowed": _Allowed(float, low, high, low_open, high_open)}


STRING = {"allowed": _Allowed(str)}
"""The metadata of a field that takes a string or a path."""
STRINGS = {"allowed": _Allowed(tuple)}
"""The metadata of a field that takes a tuple or list of strings or paths."""
FLAG = {"allowed": _Allowed(bool)}
"""The metadata of a field that takes true or false."""


SEED = integer(0, 2**32 - 1)
"""The metadata of a seed: numpy's generators take no other."""


class Checked:
    """Base of dataclasses that check their values; None is allowed where it is the default.

    A field whose default is made by a dataclass takes only instances of that dataclass.

    Raises:
        UsageError: a value that its field does not allow.
    """

    def __post_init__(self) -> None:
        for option in fields(self):  # type: ignore[arg-type]
            value = getattr(self, option.name)
            allowed = option.metadata.get("allowed")
            if is_dataclass(option.default_factory):
                allowed = _Instance(option.default_factory)
            if allowed is not None and not (value is None and option.default is None):
                object.__setattr__(self, option.name, allowed.check(option.name, value))


def flat_values(options: Any) -> dict[str, Any]:
    """Return the values of a dataclass and of the dataclasses in it, by field name."""
    values: dict[str, Any] = {}
    for option in fields(options):
        value = getattr(options, option.name)
        is_group = is_dataclass(option.default_factory)
        values |= flat_values(value) if is_group else {option.name: value}
    return values


def from_flat_values(kind: type[Made], values: Mapping[str, Any]) -> Made:
    """Make the dataclass that `flat_values` took apart; names without a value keep their defaults.

    Args:
        kind: a dataclass; dataclasses in it are the default factories of their fields.
        values: by field name; other names are ignored.
    """
    arguments = {}
    for option in fields(kind):  # type: ignore[arg-type]
        if is_dataclass(option.default_factory):
            arguments[option.name] = from_flat_values(option.default_factory, values)
        elif option.name in values:
            arguments[option.name] = values[option.name]
    return kind(**arguments)


def from_flat_options(kind: type[Made], options: Mapping[str, Any]) -> Made:
    """Make a dataclass from its fields and those of the dataclasses in it, by field name.

    Args:
        kind: a dataclass; dataclasses in it are the default factories of their fields.
        options: by field name, each at most one level deep; the others keep their defaults.

    Raises:
        UsageError: a value is out of range, or two options cannot be used together.
        TypeError: there is no such field.
    """
    rest = dict(options)
    groups: dict[str, Any] = {}
    for group in fields(kind):  # type: ignore[arg-type]
        if is_dataclass(group.default_factory):
            names = [option.name for option in fields(group.default_factory)]
            values = {name: rest.pop(name) for name in names if name in rest}
            groups[group.name] = group.default_factory(**values)
    return kind(**groups, **rest)


def name_list(parameter: str, value: str | Sequence[str]) -> tuple[str, ...]:
    """Return the names of a list, or of a string that joins them by commas, without empty ones.

    Raises:
        UsageError: it holds something else than strings, or only empty ones; an empty list is fine.
    """
    given = check_strings(parameter, value.split(",") if isinstance(value, str) else value)
    names = tuple(name.strip() for name in given if name.strip())
    if given and not names:
        raise UsageError(
            f"`{parameter}` has no name: list names, joined by commas, or leave it out"
        )
    return names


def nearest_name(name: str, known: Sequence[str]) -> str:
    """Return a question for the nearest of the known names, or all of them if none is near."""
    near = get_close_matches(name.lower(), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}"


def toml_value(value: Any) -> str:
    """Return the value of an option as TOML text."""
    if isinstance(value, tuple):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    # A JSON string is a TOML string, except for DEL, which TOML requires to be escaped.
    return json.dumps(os.fspath(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def size_in_bytes(parameter: str, text: str) -> int:
    """Parse a size such as `500MB`, `2G`, `1.5 GB` or `1000000`; return bytes.

    Args:
        parameter: the name of the option, for the message.
        text: its value.

    Raises:
        UsageError: the text is not a size, or one of less than a byte.
    """
    units = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
    number = text.strip().upper().removesuffix("B").strip()
    unit = number[-1:] if number[-1:] in units else ""
    try:
        size = float(number.removesuffix(unit)) * units[unit]
        if not 1 <= size < 2**62:
            raise ValueError
    except ValueError as error:
        raise UsageError(
            f"`{parameter}` must be a size such as 500MB or 2GB, got {text!r}"
        ) from error
    return int(size)
