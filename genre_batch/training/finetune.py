"""Fine-tunes a DistilBERT on a split catalog with transformers' Trainer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import (
    DistilBertForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from genre_batch.evaluation.metrics import average_precision, macro_f1
from genre_batch.model.batching import load_tokenizer, pad, plan_batches, tokenize
from genre_batch.thresholds import find_thresholds
from genre_batch.training.dataset import Dataset

__all__ = ["RECIPES", "FineTuneOptions", "Progress", "bf16_is_fast", "fine_tune", "predict"]

Progress = Callable[[int, int, str], None]
"""Is told (steps done, steps in all, what is being done)."""

_WIDE = 768


@dataclass(frozen=True)
class FineTuneOptions:
    """How to fine-tune.

    Attributes:
        epochs: passes over the training part.
        batch_size: films a step.
        learning_rate: peak rate of the encoder; None: 1.5e-4 for an encoder narrower than 768,
            5e-5 (the Trainer's own default) for one that is not.
        head_multiplier: the head's rate over the encoder's: the head starts from nothing.
        warmup: share of the steps over which the rate rises; it then falls linearly to zero.
        weight_decay: AdamW's, on all but biases and layer norms.
        max_length: tokens; longer texts are cut.
        pooling: `mean` or `first`.
        loss: `bce`, binary cross-entropy, the mean over films and genres.
        attention_dropout: the encoder's own, on attention weights; drawing it costs a quarter of
            each step on a processor.
        title_dropout: share of the films whose title is left out, drawn anew each epoch.
        seed: of the head, the batches, the dropouts.
    """

    epochs: int = 4
    batch_size: int = 32
    learning_rate: float | None = None
    head_multiplier: float = 10.0
    warmup: float = 0.06
    weight_decay: float = 0.01
    max_length: int = 192
    pooling: str = "mean"
    loss: str = "bce"
    attention_dropout: float = 0.0
    title_dropout: float = 0.25
    seed: int = 0

    def rate_for(self, dim: int) -> float:
        """The encoder's peak learning rate, for its width."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 5e-5 if dim >= _WIDE else 1.5e-4


RECIPES: dict[str, FineTuneOptions] = {
    "default": FineTuneOptions(),
    # Balete and Ducay 2024, section "Model": batch 8, 5 epochs; the rest the Trainer's defaults.
    "paper": FineTuneOptions(
        epochs=5,
        batch_size=8,
        learning_rate=5e-5,
        head_multiplier=1.0,
        warmup=0.0,
        weight_decay=0.0,
        max_length=512,
        pooling="first",
        attention_dropout=0.1,
        title_dropout=0.0,
    ),
}


def bf16_is_fast() -> bool:
    """Whether bfloat16 products run faster than float32 here: a GPU's or a processor's own unit."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


class _Films(torch.utils.data.Dataset[dict[str, Any]]):
    """Tokenised films; each epoch leaves out the titles of another share of them."""

    def __init__(
        self, dataset: Dataset, tokenizer: PreTrainedTokenizerFast, options: FineTuneOptions
    ) -> None:
        self._full = _tokenise(dataset.texts, tokenizer, options.max_length)
        self._bare = _tokenise(dataset.bare_texts, tokenizer, options.max_length)
        self._labels = dataset.labels.astype(np.float32)
        self._share = options.title_dropout if dataset.texts != dataset.bare_texts else 0.0
        self._seed = options.seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draws the films of this epoch that are read without their title."""
        rng = np.random.default_rng([self._seed, epoch])
        self._without = rng.random(len(self._full)) < self._share

    def __len__(self) -> int:
        return len(self._full)

    def __getitem__(self, at: int) -> dict[str, Any]:
        ids = self._bare[at] if self._without[at] else self._full[at]
        return {"input_ids": ids, "labels": self._labels[at]}


def _tokenise(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, max_length: int
) -> list[npt.NDArray[np.int64]]:
    """Each text's token ids, made just as the exported model's tagger makes them."""
    backend = load_tokenizer(tokenizer.backend_tokenizer.to_str(), max_length, "the base model")
    return tokenize(backend, texts)


def _collate(films: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    input_ids, mask = pad([film["input_ids"] for film in films])
    return {
        "input_ids": torch.from_numpy(input_ids),
        "attention_mask": torch.from_numpy(mask),
        "labels": torch.from_numpy(np.stack([film["labels"] for film in films])),
    }


def predict(
    model: DistilBertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
) -> npt.NDArray[np.float32]:
    """(texts, genres) float32 probabilities of a torch model, on its own device.

    They are computed in float32, and while the model is being trained in training's precision.
    """
    probabilities = np.empty((len(texts), model.config.num_labels), dtype=np.float32)
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        ids = _tokenise(texts, tokenizer, max_length)
        for batch in plan_batches(ids, max_rows=64, max_tokens=8192):
            logits = model(
                input_ids=torch.from_numpy(batch.input_ids).to(model.device),
                attention_mask=torch.from_numpy(batch.attention_mask).to(model.device),
            ).logits
            probabilities[batch.rows] = torch.sigmoid(logits.float()).cpu().numpy()
    model.train(was_training)
    return probabilities


class _Epochs(TrainerCallback):
    """Reports progress, redraws the titles, and logs each epoch's development figures."""

    def __init__(
        self,
        films: _Films,
        tokenizer: PreTrainedTokenizerFast,
        development: Dataset,
        options: FineTuneOptions,
        log: Path,
        progress: Progress,
    ) -> None:
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
        self._progress(state.global_step, state.max_steps, "training")

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
        model: DistilBertForSequenceClassification | None = None,
        **kwargs: Any,
    ) -> None:
        assert model is not None
        seconds = time.monotonic() - self._started
        self._progress(state.global_step, state.max_steps, "measuring development")
        truth = self._development.labels
        probabilities = predict(
            model, self._tokenizer, self._development.texts, self._options.max_length
        )
        thresholds = find_thresholds("f1", probabilities, truth)
        precision = [
            average_precision(truth[:, genre], probabilities[:, genre])[0]
            for genre in range(truth.shape[1])
        ]
        entry = {
            "epoch": round(state.epoch or 0),
            "step": state.global_step,
            "loss": round(float(np.mean(self._losses)), 5) if self._losses else None,
            # Thresholds are tuned on the same films: for comparing epochs, not for quoting.
            "development_macro_f1": round(macro_f1(truth, probabilities >= thresholds), 4),
            "development_map": round(float(np.nanmean(precision)), 4),
            "seconds": round(seconds, 1),
            "films_per_second": round(len(self._films) / seconds, 1),
        }
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


class _HeadFirstTrainer(Trainer):
    """A Trainer whose head learns at a multiple of the encoder's rate."""

    def __init__(self, *, head_multiplier: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._head_multiplier = head_multiplier

    def create_optimizer(self) -> torch.optim.Optimizer:
        if self.optimizer is None:
            assert isinstance(self.model, PreTrainedModel)
            decayed = set(self.get_decay_parameter_names(self.model))
            groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
            for name, parameter in self.model.named_parameters():
                kind = (name.startswith("distilbert."), name in decayed)
                groups.setdefault(kind, []).append(parameter)
            rate = self.args.learning_rate
            cls, arguments = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            self.optimizer = cls(
                [
                    {
                        "params": parameters,
                        "lr": rate if encoder else rate * self._head_multiplier,
                        "weight_decay": self.args.weight_decay if decay else 0.0,
                    }
                    for (encoder, decay), parameters in groups.items()
                ],
                **arguments,
            )
        return self.optimizer


def _last_checkpoint(folder: Path) -> tuple[str | None, int]:
    """The newest checkpoint that was written to its end, and its epoch; (None, 0): none was."""
    # trainer_state.json is the last file that the Trainer writes of a checkpoint.
    found = {
        round(json.loads(state.read_text(encoding="utf-8"))["epoch"]): str(state.parent)
        for state in folder.glob("checkpoint-*/trainer_state.json")
    }
    done = max(found, default=0)
    return found.get(done), done


def fine_tune(
    model: DistilBertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    training: Dataset,
    development: Dataset,
    options: FineTuneOptions,
    folder: Path,
    *,
    resume: bool = False,
    progress: Progress = lambda done, total, what: None,
) -> None:
    """Trains `model` in place, leaving a line an epoch in `folder/training_log.jsonl`.

    A checkpoint is kept in `folder/checkpoints` after each epoch; with `resume` the last one is
    taken up, and the result is that of an unbroken run. The caller removes it, once what was
    trained is safe.

    Args:
        model: an encoder under a fresh head.
        tokenizer: the encoder's.
        training: the films to learn from.
        development: the films to log figures on; they choose nothing here.
        options: how.
        folder: the run's folder, which exists.
        resume: take up the last checkpoint, if there is one.
        progress: is told each step.
    """
    checkpoints = folder / "checkpoints"
    last, done = _last_checkpoint(checkpoints) if resume else (None, 0)
    log = folder / "training_log.jsonl"
    # A run killed between an epoch's line and the end of its checkpoint repeats that epoch.
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    log.write_text("".join(lines[:done]), encoding="utf-8")
    on_gpu = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.rate_for(model.config.dim),
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
    films = _Films(training, tokenizer, options)
    trainer = _HeadFirstTrainer(
        head_multiplier=options.head_multiplier,
        model=model,
        args=arguments,
        train_dataset=films,
        data_collator=_collate,
        callbacks=[_Epochs(films, tokenizer, development, options, log, progress)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last)
    # Takes off the bfloat16 that training wrapped around the model, which would stay on it.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
