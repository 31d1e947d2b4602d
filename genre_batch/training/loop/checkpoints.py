"""The Trainer as it is used here: with checkpoints, a log line every epoch, and no output."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from genre_batch.errors import TrainingError
from genre_batch.files import replacing_path
from genre_batch.progress import StepProgress
from genre_batch.runs.integrity import write_checksums
from genre_batch.training.encoder.base_model import Classifier
from genre_batch.training.encoder.inference import bf16_is_fast
from genre_batch.training.loop.batches import LengthSampler, TokenizedFilms, collate
from genre_batch.training.options import TrainingOptions

__all__ = [
    "BETWEEN_CHECKPOINTS",
    "EpochCallback",
    "QuietTrainer",
    "logged",
    "save_tensors",
    "training_arguments",
]

BETWEEN_CHECKPOINTS = 600.0
"""Seconds after which a long epoch has a checkpoint: an interrupted run loses no more."""


def save_tensors(
    tensors: Mapping[str, torch.Tensor], path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file, whole or not at all; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing_path(path) as temporary:
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, temporary, metadata)


class EpochCallback(TrainerCallback):
    """Report steps, resample titles and masks every epoch, and log a line per epoch.

    What an epoch needs of its earlier steps is in the Trainer's state, and so in its checkpoints.
    """

    def __init__(
        self,
        films: TokenizedFilms,
        log: Path,
        stage: str,
        progress: StepProgress,
        measure: Callable[[TrainerState, Classifier, float], dict[str, Any]],
    ) -> None:
        """Log what `measure` returns for the Trainer's state, the model and an epoch's seconds."""
        self._films = films
        self._log = log
        self._stage = stage
        self._progress = progress
        self._measure = measure
        self._started = self._saved = time.monotonic()

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Resample titles and masks, those of a resumed epoch as before."""
        done = int(state.epoch or 0)
        self._films.start_epoch(done)
        self._saved = time.monotonic()
        self._started = self._saved - max(logged(state, "elapsed", done), default=0.0)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Report a step, and ask for a checkpoint if the last one is old.

        The one at the end of an epoch is written after the epoch is measured.
        """
        self._progress(state.global_step, state.max_steps, self._stage)
        now, epoch = time.monotonic(), state.epoch or 0.0
        if now - self._saved >= BETWEEN_CHECKPOINTS and not epoch.is_integer():
            state.log_history.append({"elapsed": now - self._started, "epoch": epoch})
            control.should_save = True
            self._saved = now

    def on_epoch_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Log the epoch, unless its weights are not numbers any more."""
        if not all(bool(weight.isfinite().all()) for weight in kwargs["model"].parameters()):
            raise _diverged_error(args)
        entry = self._measure(state, kwargs["model"], time.monotonic() - self._started)
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"epoch": round(state.epoch or 0), **entry}) + "\n")

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Record the checksums of a checkpoint, which make it one that can be resumed from."""
        checkpoint = Path(str(args.output_dir), f"checkpoint-{state.global_step}")
        write_checksums(checkpoint, [path for path in checkpoint.iterdir() if path.is_file()])


def logged(state: TrainerState, name: str, epochs: int) -> list[float]:
    """Return the values that the Trainer's state has of a name after a number of epochs."""
    return [line[name] for line in state.log_history if name in line and line["epoch"] > epochs]


_DIVERGED = 1e5
"""A loss from which training does not recover: the mean cross-entropy starts at about 0.7."""


def _diverged_error(arguments: TrainingArguments) -> TrainingError:
    """Build the error for weights that are useless or not numbers any more."""
    return TrainingError(
        f"training diverged at the learning rate {arguments.learning_rate:g}: set a lower "
        f"`learning_rate` (most encoders need 1e-5 to 3e-4) and another `folder`"
    )


class QuietTrainer(Trainer):
    """A Trainer without output, which computes the loss itself."""

    def __init__(
        self,
        model: torch.nn.Module,
        films: TokenizedFilms,
        arguments: TrainingArguments,
        epochs: EpochCallback,
    ) -> None:
        super().__init__(model, arguments, collate, films, callbacks=[epochs])
        self.remove_callback(PrinterCallback)
        self._films = films

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return LengthSampler(self._films, self.args.train_batch_size)

    def loss(self, model: torch.nn.Module, inputs: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        """Return the loss of a batch and the model's outputs for it."""
        raise NotImplementedError

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the loss of a batch, with the model's outputs if they are wanted."""
        loss, outputs = self.loss(model, inputs)
        if not float(loss.detach()) < _DIVERGED:  # not a number, too
            raise _diverged_error(self.args)
        return (loss, outputs) if return_outputs else loss

    def _rotate_checkpoints(self, use_mtime: bool = False, output_dir: Any = None) -> None:
        # By number: the times of two short epochs can be equal, or wrong.
        super()._rotate_checkpoints(use_mtime=False, output_dir=output_dir)

    def fit(self, checkpoint: str | None) -> None:
        """Train, from a checkpoint if there is one, and leave a model that computes in float32."""
        self.train(resume_from_checkpoint=checkpoint)
        # Remove the bfloat16 wrapper that training leaves on the model.
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)


def training_arguments(
    options: TrainingOptions, folder: Path, *, epochs: int, rate: float
) -> TrainingArguments:
    """Return a Trainer's arguments: no output, a checkpoint after every epoch.

    Args:
        options: how to train, but for epochs and rate.
        folder: the folder for checkpoints.
        epochs: passes over the films.
        rate: peak learning rate.
    """
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=options.optimization.batch_size,
        learning_rate=rate,
        weight_decay=options.optimization.weight_decay,
        warmup_ratio=options.optimization.warmup,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        bf16=bf16_is_fast(),
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        logging_steps=1,  # so that an epoch of few steps has its loss
        save_strategy="epoch",
        save_total_limit=2,
        disable_tqdm=True,
        report_to=[],
        remove_unused_columns=False,
        seed=options.seed,
    )
