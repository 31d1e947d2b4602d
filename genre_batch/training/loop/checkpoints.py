"""What the Trainer leaves behind each epoch, and how a run that was broken off takes it up."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import TrainingArguments

from genre_batch.training.encoder.inference import bf16_is_fast
from genre_batch.training.loop.ema import ExponentialMovingAverage
from genre_batch.training.options import FineTuneOptions

__all__ = ["keep_lines", "last_checkpoint", "training_arguments"]


def last_checkpoint(folder: Path, *, averaging: bool = False) -> tuple[str | None, int]:
    """The newest checkpoint that was written to its end, and its epoch; (None, 0): none was.

    Args:
        folder: the Trainer's.
        averaging: whether a running average belongs to a checkpoint.
    """
    # trainer_state.json is the last file that the Trainer writes of a checkpoint; ours come behind.
    found = {
        round(json.loads(state.read_text(encoding="utf-8"))["epoch"]): str(state.parent)
        for state in folder.glob("checkpoint-*/trainer_state.json")
        if not averaging or ExponentialMovingAverage.is_kept_in(state.parent)
    }
    done = max(found, default=0)
    return found.get(done), done


def keep_lines(log: Path, count: int) -> None:
    """Cuts a log of one line an epoch: a run killed behind an epoch's line repeats that epoch."""
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    log.write_text("".join(lines[:count]), encoding="utf-8")


def training_arguments(
    options: FineTuneOptions, folder: Path, *, epochs: int, rate: float
) -> TrainingArguments:
    """The Trainer's arguments: quiet, a checkpoint an epoch, alike lengths in one batch.

    Args:
        options: how to fine-tune; epochs and rate are given apart.
        folder: of the checkpoints.
        epochs: passes over the films.
        rate: peak learning rate.
    """
    on_gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=epochs,
        per_device_train_batch_size=options.batch_size,
        learning_rate=rate,
        weight_decay=options.weight_decay,
        warmup_ratio=options.warmup,
        lr_scheduler_type="linear",
        optim="adamw_torch_fused",
        group_by_length=True,
        bf16=bf16_is_fast(),
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        logging_steps=10,
        save_strategy="epoch",
        save_total_limit=1,
        disable_tqdm=True,
        report_to=[],
        remove_unused_columns=False,
        seed=options.seed,
    )
