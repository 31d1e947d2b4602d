"""Fine-tuning learns, logs, and can be interrupted and resumed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DistilBertForSequenceClassification, PreTrainedTokenizerFast

from genre_batch.dataset.dataset import Dataset, concatenate
from genre_batch.errors import TrainingError
from genre_batch.evaluation.metrics import macro_f1
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.runs.folder import RunFolder
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.encoder.base_model import load_base_model, load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import TrainingOptions
from support.training import InterruptionError, interrupt_at

EPOCHS = 3
STEPS = 11  # an epoch: the training part's films by eight


@dataclass
class Listener:
    """A progress callback that records its calls."""

    calls: list[tuple[int, int, str]] = field(default_factory=list)

    def __call__(self, done: int, total: int, what: str) -> None:
        self.calls.append((done, total, what))


@dataclass(frozen=True)
class Tuner:
    """Fine-tunes the tiny model on the tiny catalog, each time from the base model."""

    base_model: Path
    films: Dataset
    options: TrainingOptions

    def start(
        self, **changes: Any
    ) -> tuple[DistilBertForSequenceClassification, PreTrainedTokenizerFast]:
        chosen = self.options.changed(**changes)
        model, tokenizer = load_base_model(
            self.base_model, self.films.names, chosen.model, chosen.seed
        )
        assert isinstance(model, DistilBertForSequenceClassification)
        return model, tokenizer

    def __call__(
        self,
        folder: Path,
        *,
        listen: Callable[[torch.Tensor], None] = lambda input_ids: None,
        resume: bool = False,
        progress: StepProgress = no_step_progress,
        **changes: Any,
    ) -> DistilBertForSequenceClassification:
        """Return the trained model; `listen` is called with the token ids of every step."""
        model, tokenizer = self.start(**changes)
        model.register_forward_pre_hook(
            lambda module, args, kwargs: listen(kwargs["input_ids"]) if module.training else None,
            with_kwargs=True,
        )
        fine_tune(
            model,
            tokenizer,
            self.films.part("train"),
            self.films.part("dev"),
            self.options.changed(**changes),
            RunFolder(folder),
            resume=resume,
            progress=progress,
        )
        return model

    def steps(self, folder: Path, **changes: Any) -> list[list[str]]:
        """Return the token ids of each step, one string per film, without padding."""
        steps: list[list[str]] = []
        self(
            folder,
            listen=lambda ids: steps.append([str(row[row > 0].tolist()) for row in ids]),
            **changes,
        )
        return steps

    def resume(
        self, folder: Path
    ) -> tuple[DistilBertForSequenceClassification, list[tuple[int, int, str]]]:
        """Return the model of a resumed run and the calls of its progress callback."""
        listener = Listener()
        return self(folder, resume=True, progress=listener), listener.calls

    def interrupt(self, folder: Path, step: int, stage: str = "training") -> None:
        with pytest.raises(InterruptionError):
            self(folder, progress=interrupt_at(stage, step))


@dataclass(frozen=True)
class Uninterrupted:
    """A run of three epochs."""

    model: DistilBertForSequenceClassification
    folder: Path
    calls: list[tuple[int, int, str]]

    def assert_equal(self, model: torch.nn.Module, folder: Path) -> None:
        """Compare another run's weights and the figures of its log."""
        assert _same_weights(model, self.model)
        assert _figures(folder) == _figures(self.folder)


@pytest.fixture(scope="module")
def tune(base_model: Path, films: Dataset, options: TrainingOptions) -> Tuner:
    return Tuner(base_model, films, options.changed(epochs=EPOCHS))


@pytest.fixture(scope="module")
def uninterrupted(tune: Tuner, tmp_path_factory: pytest.TempPathFactory) -> Uninterrupted:
    listener, folder = Listener(), tmp_path_factory.mktemp("uninterrupted")
    return Uninterrupted(tune(folder, progress=listener), folder, listener.calls)


@pytest.fixture(scope="module")
def tokenizer(tune: Tuner) -> PreTrainedTokenizerFast:
    return tune.start()[1]


def _log(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "training_log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _figures(folder: Path) -> list[tuple[Any, ...]]:
    """Return what does not depend on the clock or on when the Trainer averages its loss."""
    keys = ("epoch", "step", "development_macro_f1", "development_map")
    return [tuple(entry[key] for key in keys) for entry in _log(folder)]


def _same_weights(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


def test_training_learns_the_words_that_decide_the_genres(run: Path) -> None:
    log = _log(run)
    assert log[-1]["loss"] < log[0]["loss"] / 4
    assert log[-1]["development_macro_f1"] > 0.95
    assert log[-1]["development_macro_f1"] > log[0]["development_macro_f1"]


def _start(tune: Tuner, folder: Path, films: Dataset, **arguments: Any) -> list[float]:
    """Return the biases that training on these films starts from."""
    model, tokenizer = tune.start()
    folder.mkdir()
    options = tune.options.changed(epochs=1, learning_rate=1e-12)
    dev = tune.films.part("dev")
    fine_tune(model, tokenizer, films, dev, options, RunFolder(folder), **arguments)
    return [float(bias) for bias in model.classifier.bias.detach()]


def _log_odds(shares: Any) -> Any:
    return pytest.approx(np.log(shares / (1 - shares)), abs=1e-3)


def test_the_head_starts_from_the_share_of_each_genre(tune: Tuner, tmp_path: Path) -> None:
    films = tune.films.part("train")
    share = films.labels.mean(axis=0)
    assert _start(tune, tmp_path / "a", films) == _log_odds(share)
    known = films.labels.astype(np.float32)
    known[:60, 0] = np.nan
    share[0] = known[60:, 0].mean()
    partly = replace(films, soft=known)
    assert _start(tune, tmp_path / "b", partly) == _log_odds(share)
    kept = _start(tune, tmp_path / "c", films, kept=(1,))
    assert kept[0] < -0.1
    assert kept[1] == pytest.approx(0, abs=1e-6)


def test_films_without_labels_start_the_head_from_zero(tune: Tuner, tmp_path: Path) -> None:
    films = tune.films.part("train")
    unlabeled = replace(films, soft=np.full(films.labels.shape, np.nan, dtype=np.float32))
    targets = np.full((2, *films.labels.shape), 0.5, dtype=np.float32)
    biases = _start(tune, tmp_path / "a", unlabeled, targets=targets)
    assert biases == pytest.approx([0] * len(films.names), abs=1e-6)


def test_the_log_has_one_line_an_epoch_with_its_figures(uninterrupted: Uninterrupted) -> None:
    log = _log(uninterrupted.folder)
    assert [(entry["epoch"], entry["step"]) for entry in log] == [
        (epoch, STEPS * epoch) for epoch in range(1, EPOCHS + 1)
    ]
    for entry in log:
        assert 0 < entry["development_macro_f1"] <= 1
        assert 0 < entry["development_map"] <= 1
        assert entry["loss"] > 0
        assert {"seconds", "films_per_second"} < set(entry)


def test_the_last_line_s_figures_are_those_of_the_model(
    uninterrupted: Uninterrupted, films: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    development = films.part("dev")
    probabilities = predict(uninterrupted.model, tokenizer, development.texts, max_length=32)
    thresholds = find_thresholds("f1", probabilities, development.labels)
    tuned = macro_f1(development.labels, probabilities >= thresholds)
    # The log's are measured in bfloat16 where training runs in it.
    assert _log(uninterrupted.folder)[-1]["development_macro_f1"] == pytest.approx(tuned, abs=0.05)


def test_a_trained_model_computes_in_float32_as_its_saved_copy_does(
    uninterrupted: Uninterrupted, films: Dataset, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    uninterrupted.model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    before, after = (
        predict(model, tokenizer, films.texts, max_length=32)
        for model in (uninterrupted.model, load_checkpoint(tmp_path)[0])
    )
    np.testing.assert_array_equal(before, after)


def test_progress_is_called_once_per_step_and_never_goes_back(uninterrupted: Uninterrupted) -> None:
    steps = EPOCHS * STEPS
    assert [done for done, _, what in uninterrupted.calls if what == "training"] == [
        *range(1, steps + 1)
    ]
    assert uninterrupted.calls == sorted(uninterrupted.calls, key=lambda call: call[0])
    assert {total for _, total, _ in uninterrupted.calls} == {steps}


def test_the_same_seed_gives_identical_weights(
    tune: Tuner, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    assert _same_weights(tune(tmp_path), uninterrupted.model)


def test_another_seed_gives_other_weights(
    tune: Tuner, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    assert not _same_weights(tune(tmp_path, seed=1), uninterrupted.model)


@pytest.mark.parametrize(
    ("step", "stage"),
    [
        pytest.param(5, "training", id="before the first checkpoint"),
        pytest.param(STEPS + 1, "training", id="at the second epoch's first step"),
        pytest.param(2 * STEPS, "measuring development", id="before its checkpoint"),
        pytest.param(3 * STEPS, "training", id="at the very last step"),
    ],
)
def test_a_run_interrupted_and_resumed_is_the_uninterrupted_run(
    tune: Tuner, uninterrupted: Uninterrupted, tmp_path: Path, step: int, stage: str
) -> None:
    tune.interrupt(tmp_path, step, stage)
    epochs_done = (step - 1) // STEPS
    resumed, calls = tune.resume(tmp_path)
    assert calls[0][0] == epochs_done * STEPS + 1
    uninterrupted.assert_equal(resumed, tmp_path)


def test_an_incomplete_checkpoint_is_ignored(
    tune: Tuner, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    tune.interrupt(tmp_path, STEPS + 1)
    cut_short = tmp_path / "checkpoints" / f"checkpoint-{2 * STEPS}"
    cut_short.mkdir()
    (cut_short / "model.safetensors").write_bytes(b"\0")
    assert _same_weights(tune(tmp_path, resume=True), uninterrupted.model)


def test_a_log_line_without_its_checkpoint_is_written_again(
    tune: Tuner, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    tune.interrupt(tmp_path, STEPS + 1)
    with (tmp_path / "training_log.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"epoch": 2, "st')
    tune(tmp_path, resume=True)
    assert _figures(tmp_path) == _figures(uninterrupted.folder)


def test_resuming_after_the_last_epoch_trains_nothing(
    tune: Tuner, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    tune(tmp_path)
    resumed, calls = tune.resume(tmp_path)
    assert calls == []
    uninterrupted.assert_equal(resumed, tmp_path)


def test_without_resume_a_run_starts_from_the_beginning(
    tune: Tuner, uninterrupted: Uninterrupted, tmp_path: Path
) -> None:
    tune.interrupt(tmp_path, STEPS + 1)
    uninterrupted.assert_equal(tune(tmp_path), tmp_path)


def test_two_checkpoints_are_kept(uninterrupted: Uninterrupted) -> None:
    kept = {path.name for path in (uninterrupted.folder / "checkpoints").iterdir()}
    assert kept == {f"checkpoint-{epochs * STEPS}" for epochs in (EPOCHS - 1, EPOCHS)}


def test_the_head_learns_at_a_multiple_of_the_encoder_s_rate(tune: Tuner, tmp_path: Path) -> None:
    before = tune.start()[0]
    after = tune(tmp_path, epochs=1, head_multiplier=0.0)
    assert _same_weights(after.pre_classifier, before.pre_classifier)
    assert torch.equal(after.classifier.weight, before.classifier.weight)
    assert not _same_weights(after.distilbert, before.distilbert)


def test_the_seed_orders_the_films(tune: Tuner, tmp_path: Path) -> None:
    orders = []
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        (tmp_path / name).mkdir()
        steps = tune.steps(tmp_path / name, epochs=1, seed=seed, title_dropout=0.0)
        orders.append([film for step in steps for film in step])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


def test_each_epoch_leaves_out_the_titles_of_another_quarter_of_the_films(
    tune: Tuner, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    steps = tune.steps(tmp_path, epochs=2, title_dropout=0.25)
    title = str(tokenizer("film")["input_ids"][:-1]).rstrip("]")
    first, second = (
        {film for step in epoch for film in step if not film.startswith(title)}
        for epoch in (steps[:STEPS], steps[STEPS:])
    )
    films = len(tune.films.part("train"))
    assert 0.1 * films < len(first) < 0.4 * films
    assert 0.1 * films < len(second) < 0.4 * films
    assert first != second


def test_dropping_every_title_is_training_on_overviews_alone(tune: Tuner, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    untitled = replace(tune, films=replace(tune.films, texts=tune.films.bare_texts))
    without = tune(tmp_path / "a", epochs=1, title_dropout=1.0)
    assert _same_weights(untitled(tmp_path / "b", epochs=1), without)
    assert not _same_weights(tune(tmp_path / "c", epochs=1, title_dropout=0.0), without)


def test_rare_sampling_draws_films_of_rare_genres_more_often(tune: Tuner, tmp_path: Path) -> None:
    films = tune.films.part("train")
    titles = {text: at for at, text in enumerate(films.texts)}
    labels = films.labels.copy()
    labels[:, 0] = 0
    labels[::20, 0] = 1  # a genre of every twentieth film
    few = replace(tune.films.part("dev"), parts=["dev"] * len(tune.films.part("dev")))
    rare = replace(tune, films=concatenate(replace(films, labels=labels), few))
    tokenizer = rare.start()[1]
    ids = {str(tokenizer(text)["input_ids"]): at for text, at in titles.items()}
    drawn = [
        ids[film]
        for step in rare.steps(tmp_path, epochs=8, sampling="rare", title_dropout=0.0)
        for film in step
    ]
    assert len(drawn) == 8 * len(films)
    with_it = np.isin(drawn, np.flatnonzero(labels[:, 0])).mean()
    assert with_it > 1.5 * labels[:, 0].mean()


@pytest.mark.parametrize("rate", [1e30, 1e4, 10.0])
def test_training_that_diverges_is_an_error_before_anything_is_saved(
    tune: Tuner, tmp_path: Path, rate: float
) -> None:
    message = re.escape(f"diverged at the learning rate {rate:g}: set a lower")
    with pytest.raises(TrainingError, match=message):
        tune(tmp_path, epochs=2, learning_rate=rate, head_multiplier=10.0)
    assert not list(tmp_path.rglob("*.safetensors"))
