"""What a run writes is estimated before it begins, never too high, and compared with the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from genre_batch.errors import TrainingError
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.runs import disk_space
from genre_batch.runs.disk_space import encoder_sizes, free_bytes, run_bytes, size_text
from genre_batch.training.options import TrainingOptions, TrainJob
from genre_batch.training.run import train
from support.training import InterruptionError, interrupt_at

Limit = Callable[[int | None], None]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Limit:
    """Function that gives every file system so many free bytes; None: no figures."""

    def limit(free: int | None) -> None:
        found = SimpleNamespace(
            f_bfree=free, f_bavail=free, f_frsize=1, f_blocks=0 if free is None else free + 1
        )
        monkeypatch.setattr(os, "statvfs", lambda path: found)

    return limit


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("free", [None, 0, 5_000_000_000])
def test_free_space_is_unknown_where_the_file_system_has_no_figures(
    disk: Limit, tmp_path: Path, free: int | None
) -> None:
    disk(free)
    assert free_bytes(tmp_path / "not" / "there") == free


def test_the_space_of_a_folder_that_does_not_exist_is_that_of_the_one_above(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "there") is not None


def test_a_file_system_that_cannot_be_asked_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Any) -> Any:
        raise OSError("not connected")

    monkeypatch.setattr(os, "statvfs", fail)
    assert free_bytes(tmp_path) is None


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 kB"), (999, "1 kB"), (1_500_000, "1.5 MB"), (2_340_000_000, "2.3 GB")],
)
def test_sizes_are_in_the_largest_unit(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.training
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"averaging": 0.9, "keep": "best"},
        {"base": "bert", "freeze_layers": 1},
        {"freeze_layers": 1, "averaging": 0.9},
    ],
    ids=["plain", "average and best epoch", "frozen layers removed", "frozen layers"],
)
def test_the_estimate_is_a_close_lower_bound(
    job: Callable[..., TrainJob],
    options: TrainingOptions,
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
) -> None:
    base = {"base_model": tiny_bert} if changes.pop("base", "") else {}
    chosen = options.changed(epochs=3, **changes)
    needed: list[int] = []
    monkeypatch.setattr(
        "genre_batch.runs.disk_space.check_free", lambda *given: needed.append(given[1])
    )
    most = 0

    def listen(done: int, total: int, what: str) -> None:
        nonlocal most
        most = max(most, _bytes(tmp_path / "run" / "checkpoints"))
        if what == "measuring":
            most = max(most, written[-1])
        written.append(_bytes(tmp_path / "run"))

    written = [0]
    train(job(tmp_path / "run", options=chosen, **base), listen)
    # Two checkpoints are seen here; the third is there only while the oldest is removed.
    assert needed[0] / 1.6 < most
    assert most < 1.5 * needed[0]


@pytest.mark.training
def test_a_run_that_cannot_fit_is_refused_before_anything_is_written(
    job: Callable[..., TrainJob], options: TrainingOptions, disk: Limit, tmp_path: Path
) -> None:
    disk(30_000)
    message = r"run: training writes at least \d+ kB, and the disk has 30 kB free: free some space"
    with pytest.raises(TrainingError, match=message) as raised:
        train(job(tmp_path / "run", options=options.changed(epochs=1)))
    assert str(raised.value).endswith("or choose another `folder`")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.training
def test_what_a_run_has_written_already_is_not_needed_again(
    job: Callable[..., TrainJob], options: TrainingOptions, disk: Limit, tmp_path: Path
) -> None:
    short = {"options": options.changed(epochs=2)}
    with pytest.raises(InterruptionError):
        train(job(tmp_path / "run", **short), interrupt_at("training", -2))
    checkpoint = _bytes(tmp_path / "run" / "checkpoints")
    disk(checkpoint // 2)
    with pytest.raises(TrainingError, match="training writes at least"):
        train(job(tmp_path / "run", **short, resume=True))
    disk(2 * checkpoint)
    assert train(job(tmp_path / "run", **short, resume=True)).films
    disk(0)
    assert train(job(tmp_path / "run", **short, resume=True)).films


@pytest.mark.training
def test_an_export_that_cannot_fit_is_refused(run: Path, disk: Limit, tmp_path: Path) -> None:
    disk(10_000)
    with pytest.raises(TrainingError, match=r"the export writes at least .* another `output`"):
        export_onnx(ExportJob(run, tmp_path / "model.onnx"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.training
def test_the_sizes_of_an_encoder_are_read_without_loading_it(
    base_model: Path, tiny_bert: Path, run: Path, tmp_path: Path
) -> None:
    from transformers import AutoModel

    for folder in (base_model, tiny_bert):
        model = (
            AutoModel.from_pretrained(folder, add_pooling_layer=False)
            if folder == tiny_bert
            else AutoModel.from_pretrained(folder)
        )
        sizes = encoder_sizes(folder)
        assert sizes is not None
        assert sum(sizes.values()) == sum(value.numel() for value in model.parameters())
    whole, one = encoder_sizes(base_model), encoder_sizes(base_model, layers=1)
    assert whole is not None
    assert one is not None
    assert {name for name in whole if "layer.0." in name} < one.keys() < whole.keys()
    assert encoder_sizes(run) == {f"distilbert.{name}": size for name, size in whole.items()}
    assert encoder_sizes(tmp_path) is None
    for content in (
        b"",
        b"\x00" * 4,
        b"\xff" * 20,
        b"\x02" + bytes(7) + b"[]",
        b"\x01" + bytes(7) + b"1",
    ):
        (tmp_path / "model.safetensors").write_bytes(content)
        assert encoder_sizes(tmp_path) is None


def test_fewer_epochs_and_trained_layers_need_less() -> None:
    sizes = {"a.embeddings.word.weight": 100, "a.layer.0.w": 10, "a.layer.1.w": 10, "head": 1}
    four = TrainingOptions().changed(epochs=4)
    assert run_bytes(sizes, four) == 9 * 4 * 121
    assert run_bytes(sizes, four.changed(epochs=1)) == 4 * 4 * 121
    assert run_bytes(sizes, four.changed(freeze_layers=1)) == 4 * (2 * 3 * 11 + 121)
    assert run_bytes(sizes, four.changed(keep="best", averaging=0.9)) == 13 * 4 * 121
    assert disk_space.run_bytes(sizes, four, vectors=7) == 9 * 4 * 121 + 7
