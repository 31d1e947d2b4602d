"""Fine-tunes a classifier on a split catalog with transformers' Trainer."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from genre_batch.dataset.dataset import Dataset
from genre_batch.evaluation.metrics import macro_f1, mean_average_precision
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.encoder.base_model import Classifier
from genre_batch.training.encoder.frozen_features import FrozenLayers
from genre_batch.training.encoder.inference import predict
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop.batches import TokenizedFilms, WeightedLengthSampler, collate, rarity
from genre_batch.training.loop.best_epoch import BestEpoch
from genre_batch.training.loop.checkpoints import keep_lines, last_checkpoint, training_arguments
from genre_batch.training.loop.ema import ExponentialMovingAverage
from genre_batch.training.loop.layerwise import freeze, rate_multiplier
from genre_batch.training.loop.losses import Loss, make_loss
from genre_batch.training.options import FineTuneOptions

__all__ = ["fine_tune", "has_checkpoint"]

_CHECKPOINTS = "checkpoints"


class _Epochs(TrainerCallback):
    """Reports progress, redraws the titles, and logs each epoch's development figures."""

    def __init__(
        self,
        films: TokenizedFilms,
        tokenizer: PreTrainedTokenizerFast,
        development: Dataset,
        options: FineTuneOptions,
        average: ExponentialMovingAverage | None,
        frozen: FrozenLayers | None,
        best: BestEpoch | None,
        log: Path,
        progress: StepProgress,
    ) -> None:
        self._average = average
        self._frozen = frozen
        self._best = best
        self._films = films
        self._tokenizer = tokenizer
        self._development = development
        self._options = options
        self._log = log
        self._progress = progress
        self._losses: list[float] = []
        self._started = time.monotonic()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._films.start_epoch(round(state.epoch or 0))
        self._losses.clear()
        self._started = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._average is not None:
            self._average.update(state.global_step)
        self._progress(state.global_step, state.max_steps, "training")

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._average is not None:
            self._average.keep(Path(str(args.output_dir), f"checkpoint-{state.global_step}"))

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if logs and "loss" in logs:
            self._losses.append(logs["loss"])

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Classifier | None = None,
        **kwargs: Any,
    ) -> None:
        assert model is not None
        seconds = time.monotonic() - self._started
        self._progress(state.global_step, state.max_steps, "measuring development")
        truth = self._development.labels
        with (
            self._average.in_place() if self._average else contextlib.nullcontext(),
            self._frozen.whole() if self._frozen else contextlib.nullcontext(),
        ):
            probabilities = predict(
                model, self._tokenizer, self._development.texts, self._options.max_length
            )
            precision = mean_average_precision(truth, probabilities)
            if self._best is not None:
                self._best.offer(model, precision)
        thresholds = find_thresholds("f1", probabilities, truth)
        entry = {
            "epoch": round(state.epoch or 0),
            "step": state.global_step,
            "loss": round(float(np.mean(self._losses)), 5) if self._losses else None,
            # Thresholds are tuned on the same films: for comparing epochs, not for quoting.
            "development_macro_f1": round(macro_f1(truth, probabilities >= thresholds), 4),
            "development_map": round(precision, 4),
            "seconds": round(seconds, 3),
            "films_per_second": round(len(self._films) / seconds, 1),
        }
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


@dataclass(frozen=True)
class _Objective:
    """What the Trainer makes small: the labels' loss and, with teachers, theirs."""

    loss: Loss
    teacher_weight: float

    def __call__(
        self, logits: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor | None
    ) -> torch.Tensor:
        loss = self.loss(logits, labels)
        if targets is None:
            return loss
        taught = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
        return self.teacher_weight * taught + (1 - self.teacher_weight) * loss


class _GenreTrainer(Trainer):
    """A Trainer with rates of their own for head and layers, our losses and our sampling."""

    def __init__(
        self,
        *,
        options: FineTuneOptions,
        objective: _Objective,
        films: TokenizedFilms,
        rarities: npt.NDArray[np.float64],
        **kwargs: Any,
    ) -> None:
        super().__init__(train_dataset=films, **kwargs)
        self._films = films
        self._options = options
        self._objective = objective
        self._rarities = rarities

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        labels, targets = inputs.pop("labels"), inputs.pop("targets", None)
        outputs = model(**inputs)
        loss = self._objective(outputs.logits.float(), labels, targets)
        return (loss, outputs) if return_outputs else loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self._options.sampling == "uniform":
            return super()._get_train_sampler(train_dataset)
        return WeightedLengthSampler(
            self._rarities, self._films.lengths, self.args.train_batch_size
        )

    def create_optimizer(self) -> torch.optim.Optimizer:
        if self.optimizer is None:
            assert isinstance(self.model, PreTrainedModel)
            decayed = set(self.get_decay_parameter_names(self.model))
            groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
            for name, parameter in self.model.named_parameters():
                if parameter.requires_grad:
                    multiplier = rate_multiplier(name, self.model, self._options)
                    groups.setdefault((multiplier, name in decayed), []).append(parameter)
            cls, arguments = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            self.optimizer = cls(
                [
                    {
                        "params": parameters,
                        "lr": self.args.learning_rate * multiplier,
                        "weight_decay": self.args.weight_decay if decay else 0.0,
                    }
                    for (multiplier, decay), parameters in groups.items()
                ],
                **arguments,
            )
        return self.optimizer


def has_checkpoint(folder: Path, options: FineTuneOptions) -> bool:
    """Whether a run in this folder would be resumed from somewhere behind its start."""
    return last_checkpoint(folder / _CHECKPOINTS, averaging=bool(options.averaging))[0] is not None


def fine_tune(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    training: Dataset,
    development: Dataset,
    options: FineTuneOptions,
    folder: Path,
    *,
    targets: npt.NDArray[np.float32] | None = None,
    labelled: int | None = None,
    loss: Loss | None = None,
    resume: bool = False,
    progress: StepProgress = no_step_progress,
) -> None:
    """Trains `model` in place, leaving a line an epoch in `folder/training_log.jsonl`.

    A checkpoint is kept in `folder/checkpoints` after each epoch; with `resume` the last one is
    taken up, and the result is that of an unbroken run. The caller removes it, once what was
    trained is safe.

    Args:
        model: an encoder under a head.
        tokenizer: the encoder's.
        training: the films to learn from.
        development: the films to log figures on; they choose the epoch if `options` say so, and
            nothing else.
        options: how.
        folder: the run's folder, which exists.
        targets: (2, films, genres) what teachers make of the training films' `texts` and
            `bare_texts`; None: there are none.
        labelled: how many of the training films, the first ones, have labels; of the others only
            targets are learnt. None: all have.
        loss: the labels' loss; None: the one that `options` name.
        resume: take up the last checkpoint, if there is one.
        progress: is told each step.
    """
    checkpoints = folder / _CHECKPOINTS
    averaging = bool(options.averaging)
    last, done = last_checkpoint(checkpoints, averaging=averaging) if resume else (None, 0)
    log = folder / "training_log.jsonl"
    keep_lines(log, done)
    labelled = len(training) if labelled is None else labelled
    films = TokenizedFilms(training, tokenizer, options, targets, labelled)
    freeze(model, options.freeze_layers)
    frozen = None
    if options.freeze_layers and not options.masking and FrozenLayers.fits(model):
        assert isinstance(model, PooledClassifier)
        frozen = FrozenLayers(model, options.freeze_layers)
    average = ExponentialMovingAverage(model, options.averaging) if averaging else None
    best = BestEpoch(checkpoints / "best.safetensors") if options.keep == "best" else None
    if average is not None and last is not None:
        average.restore(Path(last))
    trainer = _GenreTrainer(
        options=options,
        objective=_Objective(
            loss or make_loss(options.loss, training.labels[:labelled]), options.teacher_weight
        ),
        rarities=rarity(training.labels),
        model=model,
        args=training_arguments(
            options,
            checkpoints,
            epochs=options.epochs,
            rate=options.rate_for(model.config.hidden_size),
        ),
        films=films,
        data_collator=collate,
        callbacks=[
            _Epochs(films, tokenizer, development, options, average, frozen, best, log, progress)
        ],
    )
    trainer.remove_callback(PrinterCallback)
    if frozen is not None:
        checkpoints.mkdir(exist_ok=True)
        films.compute_vectors(
            frozen,
            checkpoints,
            lambda done, total: progress(done, total, "computing frozen layers"),
        )
        frozen.take_out()
    trainer.train(resume_from_checkpoint=last)
    if frozen is not None:
        frozen.put_back()
    # Takes off the bfloat16 that training wrapped around the model, which would stay on it.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    if best is not None:
        best.put_into(model)
    elif average is not None:
        average.exchange()
