"""Promise: from Python, what is missing becomes null, what is not a text is named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from genre_batch.errors import UsageError
from genre_batch.model.decision import Decision
from genre_batch.model.tagger import GenreTagger
from genre_batch.model.text import text_array
from genre_batch.tagging.job import TagJob, tag_job

NAN = float("nan")


class NAType:
    """As pandas has it."""


def _generated() -> Iterator[str | None]:
    yield "laugh"
    yield None


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (["laugh", None, NAN], ["laugh", None, None]),
        (["laugh", np.nan, np.float32("nan")], ["laugh", None, None]),
        (["laugh", NAType()], ["laugh", None]),
        (("laugh", ""), ["laugh", ""]),
        (["laugh", "\ud83d half", b"bytes"], ["laugh", "? half", "bytes"]),
        (np.array(["laugh", None, NAN], object), ["laugh", None, None]),
        (np.array(["laugh", "cry"]), ["laugh", "cry"]),
        (np.array([NAN, NAN]), [None, None]),
        (pl.Series(["laugh", None]), ["laugh", None]),
        (pa.array(["laugh", None]), ["laugh", None]),
        (pa.array(["laugh"], pa.large_string()), ["laugh"]),
        (pa.array(["laugh"], pa.string_view()), ["laugh"]),
        (pa.array(["laugh", "laugh"]).dictionary_encode(), ["laugh", "laugh"]),
        (pa.chunked_array([["laugh"], [None]], pa.string()), ["laugh", None]),
        (pa.nulls(2), [None, None]),
        (_generated(), ["laugh", None]),
        ([], []),
    ],
)
def test_texts_are_read_from_whatever_holds_them(values: Any, texts: list[str | None]) -> None:
    assert text_array(values, "texts").to_pylist() == texts


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("one text", r"`texts` must be a list of strings, got str: \[text\]"),
        (b"one text", "got bytes"),
        (None, "got NoneType"),
        (5, "got int"),
        ({"a": "text"}, "got dict"),
        ({"a", "text"}, "got set"),
        (pl.DataFrame({"overview": ["laugh"]}), "got DataFrame"),
        (["laugh", 5], r"`texts`\[1\] must be a string or None, got 5"),
        (["laugh", ["cry"]], r"`texts`\[1\] must be a string or None, got \['cry'\]"),
        ([True], r"`texts`\[0\] must be a string or None, got True"),
        (np.array([["laugh"]]), r"`texts`\[0\] must be a string or None"),
        (np.array([1, 2]), r"`texts`\[0\] must be a string or None"),
        (pa.array([1, 2]), "an array of strings, got one of int64"),
    ],
)
def test_what_is_no_list_of_texts_is_refused_with_its_place(values: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        text_array(values, "texts")


def test_the_tagger_reads_missing_texts_and_refuses_a_bare_string(tagger: GenreTagger) -> None:
    assert tagger.tag(["laugh", NAN, None], titles=[NAN, "A", None]) == [["Comedy"], None, None]
    for arguments in (("laugh",), (["laugh"], "title")):
        with pytest.raises(TypeError, match="must be a list of strings"):
            tagger.tag(*arguments)
    with pytest.raises(UsageError, match="`titles` must have one entry for each of 2 texts, got 1"):
        tagger.predict_proba(["laugh", "cry"], ["A"])
    with pytest.raises(UsageError, match="`threads` must be 1 or more, got 0"):
        GenreTagger.load(tagger.path, threads=0)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("threshold", 1.5),
        ("threshold", -0.1),
        ("threshold", NAN),
        ("threshold", "0.5"),
        ("top_k", 0),
        ("top_k", 1.5),
        ("top_k", True),
        ("operating_point", 5),
        ("limit", -1),
        ("limit", 2.5),
        ("threads", 0),
        ("cache_size", 0),
        ("separator", None),
        ("separator", 5),
        ("text_column", 5),
        ("output_format", "xlsx"),
        ("input_format", "xlsx"),
        ("replace", "yes"),
        ("delimiter", "ab"),
        ("encoding", "no-such"),
    ],
)
def test_options_out_of_range_are_our_errors(option: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"`{option}`"):
        tag_job(**{option: value})


def test_numbers_of_numpy_are_numbers() -> None:
    half, two = np.float32(0.5), np.int64(2)
    assert Decision(half, None, two) == Decision(0.5, None, 2)  # type: ignore[arg-type]
    assert TagJob(limit=two).limit == 2  # type: ignore[arg-type]
