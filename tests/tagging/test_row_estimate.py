"""tagging/row_estimate.py: the total number of rows, exact or from the bytes read so far."""

from __future__ import annotations

from genre_batch.tagging.row_estimate import RowEstimate


def test_the_total_is_unknown_until_something_is_read() -> None:
    estimate = RowEstimate([100], limit=None)
    assert estimate.total is None
    estimate.update(0, rows=5, fraction=None, exact=None)
    assert estimate.total is None


def test_the_total_follows_from_the_share_of_the_bytes_read() -> None:
    estimate = RowEstimate([100], limit=None)
    estimate.update(0, rows=5, fraction=0.25, exact=None)
    assert estimate.total == 20
    estimate.update(0, rows=6, fraction=1.0, exact=None)
    assert estimate.total == 11


def test_an_exact_number_of_rows_is_preferred() -> None:
    estimate = RowEstimate([100], limit=None)
    estimate.update(0, rows=5, fraction=0.25, exact=17)
    assert estimate.total == 17


def test_several_outputs_are_weighted_by_their_bytes() -> None:
    estimate = RowEstimate([100, 300], limit=None)
    estimate.update(0, rows=10, fraction=1.0, exact=10)
    assert estimate.total == 40
    estimate.update(1, rows=10, fraction=1 / 3, exact=30)
    assert estimate.total == 40


def test_the_limit_bounds_the_total() -> None:
    estimate = RowEstimate([100], limit=7)
    estimate.update(0, rows=5, fraction=0.25, exact=None)
    assert estimate.total == 7
