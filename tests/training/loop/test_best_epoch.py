"""Of all epochs the one that development liked best may be kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genre_batch.dataset.dataset import Dataset
from genre_batch.training.encoder.base_model import load_base_model
from genre_batch.training.loop.best_epoch import BestEpoch
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import FineTuneOptions

# The Trainer warns of two checkpoints written within a second.
pytestmark = pytest.mark.filterwarnings("ignore:mtime may not be reliable:UserWarning")

Weights = dict[str, torch.Tensor]


class BrokenOffError(Exception):
    """Stands for whatever stops a run."""


def _line(value: float) -> torch.nn.Linear:
    model = torch.nn.Linear(2, 1)
    torch.nn.init.constant_(model.weight, value)
    return model


def test_only_better_weights_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "best.safetensors"
    for value, figure in ((1.0, 0.5), (2.0, 0.7), (3.0, 0.6), (4.0, 0.7)):
        BestEpoch(path).offer(_line(value), figure)
    assert BestEpoch(path).figure == 0.7
    model = _line(0.0)
    BestEpoch(path).put_into(model)
    assert torch.equal(model.weight, _line(2.0).weight)


@pytest.fixture
def tuned(
    base_model: Path,
    films: Dataset,
    options: FineTuneOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[Weights, list[Weights]]]:
    """Fine-tunes for three epochs of which the second is best; gives what came out of it and the
    weights that each epoch offered."""

    def run(
        folder: Path, *, breaks: bool = False, **changes: object
    ) -> tuple[Weights, list[Weights]]:
        folder.mkdir()
        chosen = replace(options, epochs=3, keep="best", **changes)  # type: ignore[arg-type]
        offered: list[Weights] = []

        class Listening(BestEpoch):
            def offer(self, model: torch.nn.Module, figure: float) -> None:
                offered.append({name: one.clone() for name, one in model.state_dict().items()})
                super().offer(model, (0.5, 0.9, 0.7)[(len(offered) - 1) % 3])

        monkeypatch.setattr("genre_batch.training.loop.trainer.BestEpoch", Listening)

        def break_off(done: int, total: int, what: str) -> None:
            if breaks and what == "training" and done == total - 2:
                raise BrokenOffError

        model, tokenizer = load_base_model(str(base_model), films.names, "mean", chosen.seed)
        parts = films.part("train"), films.part("dev")
        if breaks:
            with pytest.raises(BrokenOffError):
                fine_tune(model, tokenizer, *parts, chosen, folder, progress=break_off)
            model, tokenizer = load_base_model(str(base_model), films.names, "mean", chosen.seed)
        fine_tune(model, tokenizer, *parts, chosen, folder, resume=breaks)
        return model.state_dict(), offered

    return run


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_the_best_epoch_s_weights_become_the_model(
    tuned: Callable[..., tuple[Weights, list[Weights]]], tmp_path: Path, averaging: float
) -> None:
    found, (_, second, third) = tuned(tmp_path / "run", averaging=averaging)
    assert all(torch.equal(found[name], second[name]) for name in found)
    assert any(not torch.equal(found[name], third[name]) for name in found)


def test_a_run_broken_off_behind_it_still_has_it(
    tuned: Callable[..., tuple[Weights, list[Weights]]], tmp_path: Path
) -> None:
    found, (_, second, _) = tuned(tmp_path / "run", breaks=True)
    assert all(torch.equal(found[name], second[name]) for name in found)
