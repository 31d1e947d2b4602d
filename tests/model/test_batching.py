"""model/batching.py: every row is in exactly one batch of tokens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genre_batch.errors import ModelError
from genre_batch.model.batching import (
    length_sorted_batches,
    load_tokenizer,
    pad,
    same_length_batches,
    tokenize,
)
from support import tiny

LENGTHS = st.lists(st.integers(1, 40), min_size=1, max_size=60)


def _rows(lengths: list[int]) -> list[np.ndarray]:
    return [np.full(length, row + 1, dtype=np.int64) for row, length in enumerate(lengths)]


@given(LENGTHS, st.integers(1, 9), st.integers(1, 200))
def test_every_row_is_in_one_batch_with_its_own_tokens(
    lengths: list[int], max_rows: int, max_tokens: int
) -> None:
    seen: list[int] = []
    for batch in length_sorted_batches(_rows(lengths), max_rows, max_tokens):
        seen += batch.rows.tolist()
        for row, ids, mask in zip(
            batch.rows.tolist(), batch.input_ids, batch.attention_mask, strict=True
        ):
            assert mask.sum() == lengths[row]
            assert (ids == (row + 1) * mask).all()
    assert sorted(seen) == list(range(len(lengths)))


@given(LENGTHS, st.integers(1, 9), st.integers(1, 200))
def test_a_batch_keeps_within_its_bounds_unless_it_is_one_long_row(
    lengths: list[int], max_rows: int, max_tokens: int
) -> None:
    for batch in length_sorted_batches(_rows(lengths), max_rows, max_tokens):
        assert len(batch.rows) <= max_rows
        assert batch.input_ids.size <= max_tokens or len(batch.rows) == 1


def test_the_longest_rows_come_first() -> None:
    batches = list(length_sorted_batches(_rows([2, 9, 5]), max_rows=1, max_tokens=100))
    assert [batch.rows[0] for batch in batches] == [1, 2, 0]


@given(LENGTHS, st.integers(1, 200))
def test_same_length_batches_have_no_padding_and_every_row_once(
    lengths: list[int], max_tokens: int
) -> None:
    seen: list[int] = []
    longest = max(lengths)
    for batch in same_length_batches(_rows(lengths), max_tokens):
        seen += batch.rows.tolist()
        assert {lengths[row] for row in batch.rows} == {batch.input_ids.shape[1]}
        assert batch.attention_mask.all()
        assert (batch.input_ids == batch.rows[:, None] + 1).all()
        assert batch.input_ids.size <= max_tokens or len(batch.rows) == 1
        assert batch.input_ids.shape[1] <= longest
        longest = batch.input_ids.shape[1]
    assert sorted(seen) == list(range(len(lengths)))


def test_same_length_batches_are_as_full_as_allowed() -> None:
    batches = same_length_batches(_rows([4, 2, 4, 4, 2]), max_tokens=8)
    assert [batch.rows.tolist() for batch in batches] == [[0, 2], [3], [1, 4]]


def test_no_rows_give_no_batches() -> None:
    assert (
        list(same_length_batches([], max_tokens=8)) == list(length_sorted_batches([], 1, 8)) == []
    )


def test_padding_is_at_the_end_and_masked() -> None:
    ids, mask = pad([np.array([7, 8]), np.array([9])])
    assert ids.tolist() == [[7, 8], [9, 0]]
    assert mask.tolist() == [[1, 1], [1, 0]]


def test_texts_are_truncated_at_the_model_s_length() -> None:
    tokenizer = load_tokenizer(tiny.tokenizer_json(), 3, "m.onnx")
    assert [len(row) for row in tokenize(tokenizer, ["a b", "a b c d e"])] == [2, 3]


def test_a_text_that_is_not_a_tokenizer_is_refused() -> None:
    with pytest.raises(ModelError, match=r"m\.onnx: its tokenizer"):
        load_tokenizer('{"model": 1}', 3, "m.onnx")
