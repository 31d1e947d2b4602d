"""Token vectors in a file keep their values, and what an earlier attempt wrote."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from genre_batch.errors import TrainingError
from genre_batch.runs.token_vectors import TokenVectors

FIRST = np.array([[1.0, -2.5], [0.0, 3.0e38]], dtype=np.float32)
SECOND = np.array([[0.15625, 7.0], [-1e-30, 2.0], [5.0, 6.0]], dtype=np.float32)


def _upper(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.uint16]:
    """Return the bits of bfloat16 numbers, cut rather than rounded."""
    return (vectors.view(np.uint32) >> 16).astype(np.uint16)


def _open(folder: Path, lengths: list[int] | None = None) -> TokenVectors:
    return TokenVectors(folder / "vectors", lengths or [2, 3], width=2)


def test_vectors_come_back_as_they_were_put_in(tmp_path: Path) -> None:
    vectors = _open(tmp_path)
    vectors[1], vectors[0] = _upper(SECOND), _upper(FIRST)
    np.testing.assert_allclose(vectors[0], FIRST, rtol=2.0**-7)
    np.testing.assert_allclose(vectors[1], SECOND, rtol=2.0**-7)


def test_a_later_attempt_has_what_was_kept(tmp_path: Path) -> None:
    vectors = _open(tmp_path)
    assert vectors.done == 0
    vectors[1] = _upper(SECOND)
    vectors.keep(1)
    again = _open(tmp_path)
    assert again.done == 1
    np.testing.assert_array_equal(again[1], vectors[1])


@pytest.mark.parametrize("damage", ["another size", "no count", "no number", "no file"])
def test_a_file_that_is_not_the_earlier_one_is_written_anew(tmp_path: Path, damage: str) -> None:
    vectors = _open(tmp_path)
    vectors[0] = _upper(FIRST)
    vectors.keep(2)
    match damage:
        case "another size":
            assert _open(tmp_path, [2, 4]).done == 0
        case "no count":
            (tmp_path / "vectors.done").unlink()
        case "no number":
            (tmp_path / "vectors.done").write_text("", encoding="utf-8")
        case "no file":
            (tmp_path / "vectors").unlink()
    again = _open(tmp_path)
    assert again.done == 0
    assert not again[0].any()


def test_a_full_disk_is_an_error_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(TrainingError, match=r"2\.0 GB in .*No space left on device: free some"):
        TokenVectors(tmp_path / "vectors", [1_000_000], width=1000)
