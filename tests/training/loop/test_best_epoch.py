"""The weights of the best epoch on dev can be kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from genre_batch.dataset.dataset import Dataset
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.loop.best_epoch import BestEpoch
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import TrainingOptions
from support.training import InterruptionError, interrupt_at

Weights = dict[str, torch.Tensor]


def _line(value: float) -> torch.nn.Linear:
    model = torch.nn.Linear(2, 1)
    torch.nn.init.constant_(model.weight, value)
    return model


def test_only_better_weights_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "best.safetensors"
    for value, score in ((1.0, 0.5), (2.0, 0.7), (3.0, 0.6), (4.0, 0.7)):
        BestEpoch(path).save_if_better(_line(value), score)
    assert BestEpoch(path).score == 0.7
    model = _line(0.0)
    BestEpoch(path).restore(model)
    assert torch.equal(model.weight, _line(2.0).weight)


@pytest.fixture
def tuned(
    base_model: Path,
    films: Dataset,
    options: TrainingOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[Weights, list[Weights]]]:
    """Function that fine-tunes for three epochs, of which the second is best.

    It returns the final weights and the weights after each epoch.
    """

    def run(
        path: Path, *, interrupted: bool = False, **changes: object
    ) -> tuple[Weights, list[Weights]]:
        folder = RunFolder(path)
        path.mkdir()
        chosen = options.changed(epochs=3, keep="best", **changes)
        saved: list[Weights] = []

        class Listening(BestEpoch):
            def save_if_better(self, model: torch.nn.Module, score: float) -> None:
                saved.append({name: one.clone() for name, one in model.state_dict().items()})
                super().save_if_better(model, (0.5, 0.9, 0.7)[(len(saved) - 1) % 3])

        monkeypatch.setattr("genre_batch.training.loop.trainer.BestEpoch", Listening)

        model, tokenizer = load_base_model(base_model, films.names, chosen.model)
        parts = films.part("train"), films.part("dev")
        if interrupted:
            stop = interrupt_at("training", -2)
            with pytest.raises(InterruptionError):
                fine_tune(model, tokenizer, *parts, chosen, folder, progress=stop)
            model, tokenizer = load_base_model(base_model, films.names, chosen.model)
        fine_tune(model, tokenizer, *parts, chosen, folder, resume=interrupted)
        return model.state_dict(), saved

    return run


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_the_best_epoch_s_weights_become_the_model(
    tuned: Callable[..., tuple[Weights, list[Weights]]], tmp_path: Path, averaging: float
) -> None:
    found, (_, second, third) = tuned(tmp_path / "run", averaging=averaging)
    assert all(torch.equal(found[name], second[name]) for name in found)
    assert any(not torch.equal(found[name], third[name]) for name in found)


def test_a_run_interrupted_after_the_best_epoch_still_has_it(
    tuned: Callable[..., tuple[Weights, list[Weights]]], tmp_path: Path
) -> None:
    found, (_, second, _) = tuned(tmp_path / "run", interrupted=True)
    assert all(torch.equal(found[name], second[name]) for name in found)
