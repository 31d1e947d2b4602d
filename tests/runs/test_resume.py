"""Where a resumed run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genre_batch.errors import GenreBatchWarning
from genre_batch.runs.folder import RunFolder
from genre_batch.runs.integrity import write_checksums
from genre_batch.runs.resume import resume_point


def _checkpoint(folder: RunFolder, step: int, epoch: float) -> Path:
    checkpoint = folder.checkpoints / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    state = checkpoint / "trainer_state.json"
    state.write_text(json.dumps({"global_step": step, "epoch": epoch}), encoding="utf-8")
    write_checksums(checkpoint, [state])
    return checkpoint


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_run_goes_on_within_its_first_epoch(tmp_path: Path, keep: str) -> None:
    checkpoint = _checkpoint(RunFolder(tmp_path), 300, 0.4)
    assert resume_point(RunFolder(tmp_path), keep) == (str(checkpoint), 0)


def test_without_the_best_weights_no_earlier_checkpoint_is_left(tmp_path: Path) -> None:
    old = [_checkpoint(RunFolder(tmp_path), 100 * epoch, epoch) for epoch in (2, 3)]
    with pytest.warns(GenreBatchWarning, match="best.safetensors is missing .* starts again"):
        assert resume_point(RunFolder(tmp_path), "best") == (None, 0)
    assert not any(checkpoint.exists() for checkpoint in old)
