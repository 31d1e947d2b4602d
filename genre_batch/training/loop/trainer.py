"""Fine-tune a classifier on the films of a split catalog, with transformers' Trainer."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerFast,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from genre_batch.dataset.dataset import Dataset, rarity
from genre_batch.evaluation.metrics import macro_f1, mean_average_precision
from genre_batch.progress import StepProgress, no_step_progress
from genre_batch.runs.folder import RunFolder
from genre_batch.runs.resume import keep_lines, resume_point
from genre_batch.thresholds.methods import find_thresholds
from genre_batch.training.encoder.base_model import Classifier
from genre_batch.training.encoder.frozen_features import FrozenLayers
from genre_batch.training.encoder.inference import predict
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.loop.batches import LengthSampler, TokenizedFilms
from genre_batch.training.loop.best_epoch import BestEpoch
from genre_batch.training.loop.checkpoints import (
    EpochCallback,
    QuietTrainer,
    logged,
    training_arguments,
)
from genre_batch.training.loop.ema import ExponentialMovingAverage
from genre_batch.training.loop.layerwise import freeze, parameter_groups
from genre_batch.training.loop.linear_probe import fit_linear_probe, start_biases
from genre_batch.training.loop.losses import Loss, Objective, best_constants, make_loss
from genre_batch.training.options import TrainingOptions

__all__ = ["fine_tune"]


@dataclass(frozen=True)
class _Weights:
    """What besides training decides the weights that an epoch is measured with.

    Attributes:
        average: the moving average, if there is one.
        frozen: the frozen layers that are removed during training, if there are any.
        best: the best epoch so far, if it becomes the model.
    """

    average: ExponentialMovingAverage | None
    frozen: FrozenLayers | None
    best: BestEpoch | None

    @classmethod
    def of(
        cls, model: Classifier, options: TrainingOptions, folder: RunFolder, checkpoint: str | None
    ) -> _Weights:
        decay, layers = options.optimization.averaging, options.model.freeze_layers
        frozen = None
        if layers and not options.optimization.masking and FrozenLayers.fits(model):
            assert isinstance(model, PooledClassifier)
            frozen = FrozenLayers(model, layers)
        average = ExponentialMovingAverage(model, decay) if decay else None
        if average is not None and checkpoint is not None:
            average.restore(Path(checkpoint))
        return cls(
            average,
            frozen,
            BestEpoch(folder.best_epoch) if options.optimization.keep == "best" else None,
        )

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Return a context in which the model is complete and has the averaged weights."""
        with (
            self.average.in_place() if self.average else contextlib.nullcontext(),
            self.frozen.whole() if self.frozen else contextlib.nullcontext(),
        ):
            yield

    @contextlib.contextmanager
    def without_frozen(
        self, films: TokenizedFilms, folder: RunFolder, progress: StepProgress
    ) -> Iterator[None]:
        """Return a context in which the model reads the outputs of its frozen layers."""
        if self.frozen is None:
            yield
            return
        folder.checkpoints.mkdir(exist_ok=True)
        films.compute_vectors(
            self.frozen,
            folder.checkpoints,
            lambda done, total: progress(done, total, "computing frozen layers"),
        )
        self.frozen.remove()
        yield
        self.frozen.put_back()

    def finish(self, model: Classifier) -> None:
        """Give the model its final weights."""
        if self.best is not None:
            self.best.restore(model)
        elif self.average is not None:
            self.average.swap()


class _FineTuning(EpochCallback):
    """Update the moving average, and measure each epoch on the dev set."""

    def __init__(
        self,
        films: TokenizedFilms,
        tokenizer: PreTrainedTokenizerFast,
        development: Dataset,
        max_length: int,
        weights: _Weights,
        log: Path,
        progress: StepProgress,
    ) -> None:
        super().__init__(films, log, "training", progress, self._on_dev)
        self._weights = weights
        self._tokenizer = tokenizer
        self._development = development
        self._max_length = max_length

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._weights.average is not None:
            self._weights.average.update(state.global_step)
        super().on_step_end(args, state, control, **kwargs)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self._weights.average is not None:
            checkpoint = Path(str(args.output_dir), f"checkpoint-{state.global_step}")
            self._weights.average.save(checkpoint)
        super().on_save(args, state, control, **kwargs)

    def _on_dev(self, state: TrainerState, model: Classifier, seconds: float) -> dict[str, Any]:
        """Return metrics on the dev set; its best epoch so far is saved."""
        self._progress(state.global_step, state.max_steps, "measuring development")
        labels = self._development.labels
        with self._weights.in_place():
            probabilities = predict(
                model, self._tokenizer, self._development.texts, self._max_length
            )
            precision = mean_average_precision(labels, probabilities)
            if self._weights.best is not None:
                self._weights.best.save_if_better(model, precision)
        thresholds = find_thresholds("f1", probabilities, labels, self._development.film_ids)
        losses = logged(state, "loss", round(state.epoch or 1) - 1)
        return {
            "step": state.global_step,
            "loss": round(float(np.mean(losses)), 5) if losses else None,
            # Thresholds are tuned on the same films: for comparing epochs, not for quoting.
            "development_macro_f1": round(macro_f1(labels, probabilities >= thresholds), 4),
            "development_map": round(precision, 4),
            "seconds": round(seconds, 3),
            "films_per_second": round(len(self._films) / seconds, 1),
        }


class _GenreTrainer(QuietTrainer):
    """A Trainer with its own learning rates per layer, losses and sampling."""

    def __init__(
        self,
        model: Classifier,
        films: TokenizedFilms,
        rarities: npt.NDArray[np.float64],
        objective: Objective,
        epochs: EpochCallback,
        options: TrainingOptions,
        folder: RunFolder,
    ) -> None:
        chosen = options.optimization
        rate = chosen.rate_for(model.config.hidden_size)
        arguments = training_arguments(options, folder.checkpoints, epochs=chosen.epochs, rate=rate)
        super().__init__(model, films, arguments, epochs)
        self._options = chosen
        self._objective = objective
        self._rarities = rarities

    def loss(self, model: torch.nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        labels = inputs.pop("labels")
        targets, weights = inputs.pop("targets", None), inputs.pop("weights", None)
        outputs = model(**inputs)
        return self._objective(outputs.logits.float(), labels, targets, weights), outputs

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        rarities = None if self._options.sampling == "uniform" else self._rarities
        return LengthSampler(self._films, self.args.train_batch_size, rarities)

    def create_optimizer(self) -> torch.optim.Optimizer:
        if self.optimizer is None:
            assert isinstance(self.model, PreTrainedModel)
            decayed = self.get_decay_parameter_names(self.model)
            groups = parameter_groups(self.model, self._options, decayed)
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


def fine_tune(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    training: Dataset,
    development: Dataset,
    options: TrainingOptions,
    folder: RunFolder,
    *,
    targets: npt.NDArray[np.float32] | None = None,
    loss: Loss | None = None,
    resume: bool = False,
    kept: Collection[int] = (),
    progress: StepProgress = no_step_progress,
) -> float:
    """Train `model` in place, with a checkpoint and a line in the training log every epoch.

    The head's biases start from each genre's share of the films, and the head of a
    `PooledClassifier` from a linear probe. With `resume` the result is that of an uninterrupted
    training. The caller removes the checkpoints once the trained model is saved.

    Args:
        model: an encoder under a head.
        tokenizer: the encoder's tokenizer.
        training: the films to train on. Those without labels are trained on `targets` alone.
        development: the dev films, for the log and for choosing the best epoch.
        options: how to train.
        folder: the run's folder, which exists.
        targets: (2, films, genres) teacher predictions for the training films' `texts` and
            `bare_texts`; None: no teachers.
        loss: the loss of the labels, whose biases start at 0; None: the one that `options` name.
        resume: continue from the last checkpoint, if there is one.
        kept: the genres whose weights in the head are trained already.
        progress: called after every step.

    Returns:
        Seconds of training, over all epochs and attempts.
    """
    chosen = options.optimization
    checkpoint, epochs_done = resume_point(folder, chosen.keep) if resume else (None, 0)
    keep_lines(folder.log, epochs_done)
    films = TokenizedFilms(training, tokenizer, options, targets)
    first = films.wordings.first
    labeled = training.take(first[training.has_labels[first]].tolist())
    named = make_loss(chosen.loss, labeled.labels)
    if checkpoint is None:
        if loss is None:
            start_biases(model, best_constants(named, labeled.label_shares), kept)
        if isinstance(model, PooledClassifier):
            fit_linear_probe(model, tokenizer, labeled, options.model.max_length, progress, kept)
    freeze(model, options.model.freeze_layers)
    weights = _Weights.of(model, options, folder, checkpoint)
    objective = Objective(loss or named, options.distillation.teacher_weight, training.is_partial)
    length = options.model.max_length
    epochs = _FineTuning(films, tokenizer, development, length, weights, folder.log, progress)
    labels = training.labels[first]
    trainer = _GenreTrainer(model, films, rarity(labels), objective, epochs, options, folder)
    with weights.without_frozen(films, folder, progress):
        trainer.fit(checkpoint)
    weights.finish(model)
    return folder.seconds
