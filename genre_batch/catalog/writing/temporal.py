"""Dates and times as text, where polars cannot write them: ISO 8601."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["duration_texts", "interval_texts", "plain_dates", "plain_times"]

Texts = Callable[[pa.Array], list[str | None]]
"""Formats an array as polars writes it to the output."""

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_FIRST_SECOND = -62_135_596_800
"""0001-01-01: polars panics on dates far before it."""
_END_SECOND = 253_402_300_800
"""10000-01-01: polars panics on dates far after it."""
_DAY = 86_400
_WHOLE_MINUTES = 94_694_400
"""1973-01-01: from here on, the offset of every zone is whole minutes (Liberia's since 1972)."""
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d\d):?(\d\d)?")


def duration_texts(array: pa.Array) -> pa.Array:
    """Return durations in seconds, such as `PT6060S` or `-PT0.5S`."""
    per = _PER_SECOND[array.type.unit]
    values = array.view(pa.int64()).fill_null(0).to_numpy()
    magnitude = np.abs(values).view(np.uint64)  # right for the least int64 too
    seconds = pa.array(magnitude // np.uint64(per)).cast(pa.string())
    fraction = pa.array(magnitude % np.uint64(per)).cast(pa.string())
    fraction = pc.utf8_rtrim(pc.utf8_lpad(fraction, len(str(per)) - 1, "0"), "0")
    point = pc.if_else(pc.equal(fraction, ""), "", ".")
    sign = pc.if_else(pa.array(values < 0), "-PT", "PT")
    texts = pc.binary_join_element_wise(sign, seconds, point, fraction, "S", "")
    return pc.if_else(array.is_valid(), texts, pa.scalar(None, pa.string()))


def interval_texts(array: pa.Array) -> pa.Array:
    """Return intervals of months, days and seconds, such as `P1M2DT0.5S`."""
    return pa.array([_interval(value) for value in array.to_pylist()], pa.string())


def _interval(value: tuple[int, int, int] | None) -> str | None:
    if value is None:
        return None
    months, days, nanoseconds = value
    text = (f"{months}M" if months else "") + (f"{days}D" if days else "")
    if nanoseconds or not text:
        whole, rest = divmod(abs(nanoseconds), 10**9)
        fraction = f".{rest:09}".rstrip("0") if rest else ""
        text += f"T{'-' if nanoseconds < 0 else ''}{whole}{fraction}S"
    return f"P{text}"


def plain_dates(array: pa.Array, texts: Texts) -> pa.Array:
    """Return dates that polars can write; as text if one of them is outside the years 1 to 9999."""
    days = array.cast(pa.date32()) if pa.types.is_date64(array.type) else array
    return _with_far(days, days.view(pa.int32()), _DAY, "D", texts, "")


def plain_times(array: pa.Array, texts: Texts) -> pa.Array:
    """Return points in time that polars can write.

    They are text if one is outside the years 1 to 9999, if its offset has seconds, as local mean
    time has, or if polars does not know the time zone: with the zone's offset if it is one of whole
    minutes, else in UTC.
    """
    kind = array.type
    per = _PER_SECOND[kind.unit]
    zone = kind.tz
    if zone is None:
        return _with_far(array, array.view(pa.int64()), per, kind.unit, texts, "")
    if _is_known(zone):
        written = _with_far(array, array.view(pa.int64()), per, kind.unit, texts, "+00:00")
        return _with_whole_minutes(array, written, per, texts)
    match = _OFFSET.fullmatch(zone)
    sign, hours, minutes = match.groups(default="00") if match else ("+", "00", "00")
    shift = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1)
    local = pc.add(array.view(pa.int64()), shift * per).cast(pa.timestamp(kind.unit, "UTC"))
    offset = f"{sign}{hours}:{minutes}"
    shifted = _with_far(local, local.view(pa.int64()), per, kind.unit, texts, "+00:00")
    shifted = _as_texts(shifted, texts)
    shifted = pc.replace_substring_regex(shifted, r"\+00:00$", offset)
    return pc.replace_substring_regex(shifted, r"\+0000$", offset.replace(":", ""))


def _as_texts(array: pa.Array, texts: Texts) -> pa.Array:
    return array if pa.types.is_string(array.type) else pa.array(texts(array), pa.string())


def _with_whole_minutes(array: pa.Array, written: pa.Array, per: int, texts: Texts) -> pa.Array:
    """Return what is written of times, in UTC where ISO 8601 has no offset for them.

    Args:
        array: times of a zone that polars knows.
        written: the same, as `_with_far` returns them.
        per: the units of a second.
        texts: formats times.
    """
    numbers = array.view(pa.int64())
    least = pc.min(numbers).as_py()
    if least is None or least >= _WHOLE_MINUTES * per:
        return written
    seconds = pc.cast(numbers.fill_null(0), pa.int64()).to_numpy() // per
    near = (seconds >= _FIRST_SECOND + _DAY) & (seconds < _WHOLE_MINUTES)
    times = pl.Series(np.where(near, seconds, _WHOLE_MINUTES) * 1000).cast(pl.Datetime("ms", "UTC"))
    local = times.dt.convert_time_zone(array.type.tz).dt.replace_time_zone(None)
    offsets = (local.to_physical() - times.to_physical()).to_numpy() // 1000
    has_seconds = pa.array(offsets % 60 != 0)
    if not pc.any(has_seconds).as_py():
        return written
    in_utc = pc.if_else(has_seconds, array.cast(pa.timestamp(array.type.unit, "UTC")), None)
    return pc.if_else(has_seconds, _as_texts(in_utc, texts), _as_texts(written, texts))


@functools.cache
def _is_known(zone: str) -> bool:
    """Return whether polars can write times of this zone."""
    try:
        pl.DataFrame(pa.table({"t": pa.array([0], pa.timestamp("us", zone))})).write_csv()
    except pl.exceptions.PolarsError:
        return False
    return True


def _with_far(
    array: pa.Array, numbers: pa.Array, per: int, unit: str, texts: Texts, offset: str
) -> pa.Array:
    """Return the array itself, or texts if one of its values is too far away for polars."""
    first, end = (_FIRST_SECOND, _END_SECOND)
    first, end = (first // per, end // per) if unit == "D" else (first * per, end * per)
    if unit == "ns" or numbers.null_count == len(numbers):
        return array
    least, most = (value.as_py() for value in pc.min_max(numbers).values())
    if first <= least and most < end:
        return array
    values = numbers.fill_null(0).to_numpy(zero_copy_only=False)
    is_far = (values < first) | (values >= end)
    near = texts(pc.if_else(pa.array(is_far), pa.scalar(None, array.type), array))
    far = np.datetime_as_string(values.astype(f"datetime64[{unit}]")).tolist()
    valid = numbers.is_valid().to_pylist()
    rows = zip(near, far, is_far.tolist(), valid, strict=True)
    return pa.array(
        [
            None if not is_valid else (_signed(late) + offset if is_late else early)
            for early, late, is_late, is_valid in rows
        ],
        pa.string(),
    )


def _signed(text: str) -> str:
    """Return an ISO 8601 date with a sign if its year has more than four digits."""
    year = text[1:].partition("-")[0] if text.startswith("-") else text.partition("-")[0]
    return f"+{text}" if len(year) > 4 and not text.startswith("-") else text
