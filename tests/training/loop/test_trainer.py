"""Fine-tuning learns, logs, and can be broken off and gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import DistilBertForSequenceClassification, PreTrainedTokenizerFast

from genre_batch.dataset.dataset import Dataset, concatenate
from genre_batch.evaluation.metrics import macro_f1
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.encoder.base_model import load_base_model, load_checkpoint
from genre_batch.training.encoder.inference import bf16_is_fast, predict
from genre_batch.training.loop.trainer import fine_tune
from genre_batch.training.options import RECIPES, FineTuneOptions

# The Trainer warns of two checkpoints written within a second.
pytestmark = pytest.mark.filterwarnings("ignore:mtime may not be reliable:UserWarning")

EPOCHS = 3
STEPS = 11  # an epoch: the training part's films by eight


class BrokenOffError(Exception):
    """Stands for whatever stops a run."""


@dataclass(frozen=True)
class BreakOff:
    """A progress callback that stops the run at a step."""

    step: int
    what: str = "training"

    def __call__(self, done: int, total: int, what: str) -> None:
        if (done, what) == (self.step, self.what):
            raise BrokenOffError


@dataclass
class Listener:
    """A progress callback that remembers what it was told."""

    told: list[tuple[int, int, str]] = field(default_factory=list)

    def __call__(self, done: int, total: int, what: str) -> None:
        self.told.append((done, total, what))


@dataclass(frozen=True)
class Tuner:
    """Fine-tunes the tiny model on the tiny catalog, each time from its start."""

    base_model: Path
    films: Dataset
    options: FineTuneOptions

    def start(
        self, **changes: Any
    ) -> tuple[DistilBertForSequenceClassification, PreTrainedTokenizerFast]:
        chosen = replace(self.options, **changes)
        model, tokenizer = load_base_model(
            str(self.base_model), self.films.names, chosen.pooling, chosen.seed
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
        """The trained model; `listen` is told the token ids of every step."""
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
            replace(self.options, **changes),
            folder,
            resume=resume,
            progress=progress,
        )
        return model

    def steps(self, folder: Path, **changes: Any) -> list[list[str]]:
        """The token ids that each step reads: a line a film, without padding."""
        steps: list[list[str]] = []
        self(
            folder,
            listen=lambda ids: steps.append([str(row[row > 0].tolist()) for row in ids]),
            **changes,
        )
        return steps

    def break_off(self, folder: Path, at: BreakOff) -> None:
        with pytest.raises(BrokenOffError):
            self(folder, progress=at)


@dataclass(frozen=True)
class Unbroken:
    """A run of three epochs that nothing stopped."""

    model: DistilBertForSequenceClassification
    folder: Path
    told: list[tuple[int, int, str]]


@pytest.fixture(scope="module")
def tune(base_model: Path, films: Dataset, options: FineTuneOptions) -> Tuner:
    return Tuner(base_model, films, replace(options, epochs=EPOCHS))


@pytest.fixture(scope="module")
def unbroken(tune: Tuner, tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    listener, folder = Listener(), tmp_path_factory.mktemp("unbroken")
    return Unbroken(tune(folder, progress=listener), folder, listener.told)


@pytest.fixture(scope="module")
def tokenizer(tune: Tuner) -> PreTrainedTokenizerFast:
    return tune.start()[1]


def _log(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "training_log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _figures(folder: Path) -> list[tuple[Any, ...]]:
    """What of the log does not depend on the clock or on when the Trainer averages its loss."""
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


def test_the_log_has_one_line_an_epoch_with_its_figures(unbroken: Unbroken) -> None:
    log = _log(unbroken.folder)
    assert [(entry["epoch"], entry["step"]) for entry in log] == [
        (epoch, STEPS * epoch) for epoch in range(1, EPOCHS + 1)
    ]
    for entry in log:
        assert 0 < entry["development_macro_f1"] <= 1
        assert 0 < entry["development_map"] <= 1
        assert entry["loss"] > 0
        assert {"seconds", "films_per_second"} < set(entry)


def test_the_last_line_s_figures_are_those_of_the_model(
    unbroken: Unbroken, films: Dataset, tokenizer: PreTrainedTokenizerFast
) -> None:
    development = films.part("dev")
    probabilities = predict(unbroken.model, tokenizer, development.texts, max_length=32)
    thresholds = find_thresholds("f1", probabilities, development.labels)
    tuned = macro_f1(development.labels, probabilities >= thresholds)
    # The log's are measured in bfloat16 where training runs in it.
    assert _log(unbroken.folder)[-1]["development_macro_f1"] == pytest.approx(tuned, abs=0.05)


def test_a_trained_model_computes_in_float32_as_its_saved_copy_does(
    unbroken: Unbroken, films: Dataset, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    unbroken.model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    before, after = (
        predict(model, tokenizer, films.texts, max_length=32)
        for model in (unbroken.model, load_checkpoint(tmp_path)[0])
    )
    np.testing.assert_array_equal(before, after)


def test_progress_is_told_every_step_once_and_never_goes_back(unbroken: Unbroken) -> None:
    steps = EPOCHS * STEPS
    assert [done for done, _, what in unbroken.told if what == "training"] == [*range(1, steps + 1)]
    assert unbroken.told == sorted(unbroken.told, key=lambda told: told[0])
    assert {total for _, total, _ in unbroken.told} == {steps}


def test_the_same_seed_gives_identical_weights(
    tune: Tuner, unbroken: Unbroken, tmp_path: Path
) -> None:
    assert _same_weights(tune(tmp_path), unbroken.model)


def test_another_seed_gives_other_weights(tune: Tuner, unbroken: Unbroken, tmp_path: Path) -> None:
    assert not _same_weights(tune(tmp_path, seed=1), unbroken.model)


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(BreakOff(5), id="before the first checkpoint"),
        pytest.param(BreakOff(STEPS + 1), id="at the second epoch's first step"),
        pytest.param(BreakOff(2 * STEPS, "measuring development"), id="before its checkpoint"),
        pytest.param(BreakOff(3 * STEPS), id="at the very last step"),
    ],
)
def test_a_run_broken_off_and_resumed_is_the_unbroken_run(
    tune: Tuner, unbroken: Unbroken, tmp_path: Path, at: BreakOff
) -> None:
    tune.break_off(tmp_path, at)
    epochs_done = (at.step - 1) // STEPS
    listener = Listener()
    resumed = tune(tmp_path, resume=True, progress=listener)
    assert listener.told[0][0] == epochs_done * STEPS + 1
    assert _same_weights(resumed, unbroken.model)
    assert _figures(tmp_path) == _figures(unbroken.folder)


def test_a_checkpoint_that_was_cut_short_is_passed_over(
    tune: Tuner, unbroken: Unbroken, tmp_path: Path
) -> None:
    tune.break_off(tmp_path, BreakOff(STEPS + 1))
    cut_short = tmp_path / "checkpoints" / f"checkpoint-{2 * STEPS}"
    cut_short.mkdir()
    (cut_short / "model.safetensors").write_bytes(b"\0")
    assert _same_weights(tune(tmp_path, resume=True), unbroken.model)


def test_a_line_whose_checkpoint_was_never_written_is_written_anew(
    tune: Tuner, unbroken: Unbroken, tmp_path: Path
) -> None:
    tune.break_off(tmp_path, BreakOff(STEPS + 1))
    with (tmp_path / "training_log.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"epoch": 2, "st')
    tune(tmp_path, resume=True)
    assert _figures(tmp_path) == _figures(unbroken.folder)


def test_resuming_after_the_last_epoch_trains_nothing(
    tune: Tuner, unbroken: Unbroken, tmp_path: Path
) -> None:
    tune(tmp_path)
    listener = Listener()
    resumed = tune(tmp_path, resume=True, progress=listener)
    assert listener.told == []
    assert _same_weights(resumed, unbroken.model)
    assert _figures(tmp_path) == _figures(unbroken.folder)


def test_without_resume_a_run_starts_from_nothing(
    tune: Tuner, unbroken: Unbroken, tmp_path: Path
) -> None:
    tune.break_off(tmp_path, BreakOff(STEPS + 1))
    assert _same_weights(tune(tmp_path), unbroken.model)
    assert _figures(tmp_path) == _figures(unbroken.folder)


def test_one_checkpoint_is_kept(unbroken: Unbroken) -> None:
    kept = [path.name for path in (unbroken.folder / "checkpoints").iterdir()]
    assert kept == [f"checkpoint-{EPOCHS * STEPS}"]


def test_the_head_learns_at_a_multiple_of_the_encoder_s_rate(tune: Tuner, tmp_path: Path) -> None:
    before = tune.start()[0]
    after = tune(tmp_path, epochs=1, head_multiplier=0.0)
    for name in ("pre_classifier", "classifier"):
        assert _same_weights(getattr(after, name), getattr(before, name))
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


def test_predictions_are_in_the_texts_order_whatever_their_lengths(
    tune: Tuner, unbroken: Unbroken, tokenizer: PreTrainedTokenizerFast
) -> None:
    texts = tune.films.texts[:40]
    together = predict(unbroken.model, tokenizer, texts, max_length=32)
    assert together.shape == (40, 4)
    assert together.dtype == np.float32
    alone = [predict(unbroken.model, tokenizer, [text], max_length=32)[0] for text in texts]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_predicting_cuts_texts_at_the_length_and_leaves_the_mode_alone(
    unbroken: Unbroken, tokenizer: PreTrainedTokenizerFast
) -> None:
    texts = ["ghost gun kiss " + ending for ending in ("joke " * 90, "bomb " * 5)]
    unbroken.model.train()
    # Two special tokens and three words.
    cut = predict(unbroken.model, tokenizer, texts, max_length=5)
    assert unbroken.model.training
    assert cut[0] == pytest.approx(cut[1])
    assert cut[0] != pytest.approx(predict(unbroken.model, tokenizer, texts, max_length=32)[1])


def test_the_learning_rate_follows_the_encoder_s_width_unless_given() -> None:
    assert [FineTuneOptions().rate_for(dim) for dim in (384, 768)] == [1.5e-4, 5e-5]
    assert FineTuneOptions(learning_rate=1e-3).rate_for(768) == 1e-3


def test_the_paper_s_recipe_is_the_paper_s() -> None:
    paper = RECIPES["paper"]
    assert (paper.epochs, paper.batch_size, paper.pooling) == (5, 8, "first")
    assert paper.head_multiplier == 1.0
    assert paper.rate_for(384) == paper.rate_for(768) == 5e-5


@pytest.mark.parametrize(
    ("flags", "expected"),
    [("fpu amx_bf16 amx_tile", True), ("avx512_bf16", True), ("fpu avx2 avx512f", False)],
)
def test_bfloat16_is_used_where_the_processor_has_a_unit_for_it(
    monkeypatch: pytest.MonkeyPatch, flags: str, expected: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(Path, "read_text", lambda *args, **kwargs: f"flags : {flags}")
    assert bf16_is_fast() is expected


def test_bfloat16_is_not_used_where_the_processor_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreadable(*args: object, **kwargs: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(Path, "read_text", unreadable)
    assert bf16_is_fast() is False


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
