"""Fine-tunes a classifier on a split catalog with transformers' Trainer."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable, Iterator
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
from transformers.trainer_pt_utils import get_length_grouped_indices

from genre_batch.evaluation.metrics import average_precision, macro_f1
from genre_batch.model.batching import load_tokenizer, pad, plan_batches, tokenize
from genre_batch.thresholds import find_thresholds
from genre_batch.training.averaging import RunningAverage
from genre_batch.training.base_model import Classifier
from genre_batch.training.dataset import Dataset
from genre_batch.training.losses import Loss, make_loss
from genre_batch.training.pooled import PooledClassifier

__all__ = [
    "RECIPES",
    "SAMPLINGS",
    "FineTuneOptions",
    "Progress",
    "bf16_is_fast",
    "encode",
    "fine_tune",
    "has_checkpoint",
    "predict",
]

Progress = Callable[[int, int, str], None]
"""Is told (steps done, steps in all, what is being done)."""

SAMPLINGS = ("uniform", "rare")

_WIDE = 768
_CHECKPOINTS = "checkpoints"
_LAYER = re.compile(r"\.layer\.(\d+)\.")


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
        loss: of `losses.LOSSES`.
        sampling: `uniform`, every film once an epoch, or `rare`, as many films, drawn with
            replacement in proportion to the inverse square root of how often their rarest genre is.
        layer_decay: each layer's rate over the next higher one's; the embeddings are the lowest.
        freeze_layers: lowest layers that stay as they are, the embeddings with them; 0: none.
        averaging: decay, each step, of the running average of the weights that becomes the model;
            0: the last weights are.
        masking: share of the tokens hidden behind the mask token, drawn anew each epoch.
        teacher_weight: share of the teachers' part in the loss, where there are any; the labels
            have the rest.
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
    sampling: str = "uniform"
    layer_decay: float = 1.0
    freeze_layers: int = 0
    averaging: float = 0.0
    masking: float = 0.0
    teacher_weight: float = 0.7
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
    """Tokenised films; each epoch leaves out other titles and hides other tokens."""

    def __init__(
        self,
        dataset: Dataset,
        tokenizer: PreTrainedTokenizerFast,
        options: FineTuneOptions,
        targets: npt.NDArray[np.float32] | None,
    ) -> None:
        self._full = _tokenise(dataset.texts, tokenizer, options.max_length)
        self._bare = _tokenise(dataset.bare_texts, tokenizer, options.max_length)
        self._labels = dataset.labels.astype(np.float32)
        self._targets = targets
        self._share = options.title_dropout if dataset.texts != dataset.bare_texts else 0.0
        self._masking = options.masking
        self._mask = tokenizer.mask_token_id
        self._seed = options.seed
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draws the films of this epoch that are read without their title."""
        self._epoch = epoch
        rng = np.random.default_rng([self._seed, epoch])
        self._without = rng.random(len(self._full)) < self._share

    def __len__(self) -> int:
        return len(self._full)

    @property
    def lengths(self) -> list[int]:
        """Each film's tokens, its title among them."""
        return [len(ids) for ids in self._full]

    def __getitem__(self, at: int) -> dict[str, Any]:
        bare = bool(self._without[at])
        film: dict[str, Any] = {
            "input_ids": self._masked(self._bare[at] if bare else self._full[at], at),
            "labels": self._labels[at],
        }
        if self._targets is not None:
            film["targets"] = self._targets[int(bare), at]
        return film

    def _masked(self, ids: npt.NDArray[np.int64], at: int) -> npt.NDArray[np.int64]:
        if not self._masking:
            return ids
        hidden = np.random.default_rng([self._seed, self._epoch, at]).random(len(ids))
        hidden[[0, -1]] = 1.0  # the special tokens at both ends stay
        return np.where(hidden < self._masking, self._mask, ids)


def _tokenise(
    texts: list[str], tokenizer: PreTrainedTokenizerFast, max_length: int
) -> list[npt.NDArray[np.int64]]:
    """Each text's token ids, made just as the exported model's tagger makes them."""
    backend = load_tokenizer(tokenizer.backend_tokenizer.to_str(), max_length, "the base model")
    return tokenize(backend, texts)


def _collate(films: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    input_ids, mask = pad([film["input_ids"] for film in films])
    batch = {"input_ids": torch.from_numpy(input_ids), "attention_mask": torch.from_numpy(mask)}
    for name in ("labels", "targets"):
        if name in films[0]:
            batch[name] = torch.from_numpy(np.stack([film[name] for film in films]))
    return batch


def _rarity(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """(films,): the inverse square root of how many films have each film's rarest genre."""
    counts = np.maximum(labels.sum(axis=0, dtype=np.int64), 1)
    return np.asarray((labels / np.sqrt(counts)).max(axis=1))


def _run_over(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    compute: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    width: int,
    fast: bool,
    told: Callable[[int], None],
) -> npt.NDArray[np.float32]:
    """(texts, width) of what `compute` makes of each batch, in the texts' order."""
    found = np.empty((len(texts), width), dtype=np.float32)
    was_training, done = model.training, 0
    model.eval()
    lower = (
        torch.autocast(model.device.type, torch.bfloat16)
        if fast and bf16_is_fast()
        else contextlib.nullcontext()
    )
    with torch.inference_mode(), lower:
        ids = _tokenise(texts, tokenizer, max_length)
        for batch in plan_batches(ids, max_rows=64, max_tokens=8192):
            tokens = {
                "input_ids": torch.from_numpy(batch.input_ids).to(model.device),
                "attention_mask": torch.from_numpy(batch.attention_mask).to(model.device),
            }
            found[batch.rows] = compute(tokens).float().cpu().numpy()
            done += len(batch.rows)
            told(done)
    model.train(was_training)
    return found


def predict(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    *,
    fast: bool = False,
    told: Callable[[int], None] = lambda done: None,
) -> npt.NDArray[np.float32]:
    """(texts, genres) float32 probabilities of a torch model, on its own device.

    They are computed in float32, and while the model is being trained in training's precision.

    Args:
        model: a classifier.
        tokenizer: its tokenizer.
        texts: composed texts.
        max_length: tokens; longer texts are cut.
        fast: compute in bfloat16 where that is faster.
        told: is called with the number of texts done.
    """
    return _run_over(
        model,
        tokenizer,
        texts,
        max_length,
        lambda tokens: torch.sigmoid(model(**tokens).logits.float()),
        model.config.num_labels,
        fast,
        told,
    )


def encode(
    model: PooledClassifier,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[str],
    max_length: int,
    told: Callable[[int], None] = lambda done: None,
) -> npt.NDArray[np.float32]:
    """(texts, width) float32 pooled vectors of an encoder, in bfloat16 where that is faster.

    Arguments as in `predict`.
    """
    return _run_over(
        model,
        tokenizer,
        texts,
        max_length,
        lambda tokens: model.pooled(**tokens),
        model.config.hidden_size,
        True,
        told,
    )


class _Epochs(TrainerCallback):
    """Reports progress, redraws the titles, and logs each epoch's development figures."""

    def __init__(
        self,
        films: _Films,
        tokenizer: PreTrainedTokenizerFast,
        development: Dataset,
        options: FineTuneOptions,
        average: RunningAverage | None,
        log: Path,
        progress: Progress,
    ) -> None:
        self._average = average
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
        with self._average.in_place() if self._average else contextlib.nullcontext():
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


class _RareFirst(torch.utils.data.Sampler[int]):
    """As many films as there are, drawn with replacement by weight, alike lengths together."""

    def __init__(
        self, weights: npt.NDArray[np.float64], lengths: list[int], batch_size: int
    ) -> None:
        self._weights = torch.from_numpy(weights)
        self._lengths = lengths
        self._batch_size = batch_size

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        drawn = torch.multinomial(self._weights, len(self), replacement=True).tolist()
        lengths = [self._lengths[film] for film in drawn]
        places = get_length_grouped_indices(lengths, self._batch_size)
        return iter([drawn[place] for place in places])


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
        films: _Films,
        rarity: npt.NDArray[np.float64],
        **kwargs: Any,
    ) -> None:
        super().__init__(train_dataset=films, **kwargs)
        self._films = films
        self._options = options
        self._objective = objective
        self._rarity = rarity

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
        return _RareFirst(self._rarity, self._films.lengths, self.args.train_batch_size)

    def create_optimizer(self) -> torch.optim.Optimizer:
        if self.optimizer is None:
            assert isinstance(self.model, PreTrainedModel)
            decayed = set(self.get_decay_parameter_names(self.model))
            groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
            for name, parameter in self.model.named_parameters():
                if parameter.requires_grad:
                    multiplier = _multiplier(name, self.model, self._options)
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


def _depth(name: str, model: PreTrainedModel) -> int | None:
    """How high a parameter of the encoder is: 0 the embeddings, 1 the lowest layer; None: head."""
    if not name.startswith(f"{model.base_model_prefix}."):
        return None
    layer = _LAYER.search(name)
    if layer is not None:
        return int(layer.group(1)) + 1
    return 0 if ".embeddings." in name else int(model.config.num_hidden_layers)


def _multiplier(name: str, model: PreTrainedModel, options: FineTuneOptions) -> float:
    """A parameter's rate over the encoder's (layer-wise decay: Howard and Ruder 2018, ULMFiT)."""
    depth = _depth(name, model)
    if depth is None:
        return options.head_multiplier
    return options.layer_decay ** (int(model.config.num_hidden_layers) - depth)


def _freeze(model: PreTrainedModel, layers: int) -> None:
    """Keeps the embeddings and the lowest layers as they are."""
    for name, parameter in model.named_parameters():
        depth = _depth(name, model)
        if layers and depth is not None and depth <= layers:
            parameter.requires_grad_(False)


def _last_checkpoint(folder: Path, averaging: bool) -> tuple[str | None, int]:
    """The newest checkpoint that was written to its end, and its epoch; (None, 0): none was."""
    # trainer_state.json is the last file that the Trainer writes of a checkpoint; ours come behind.
    found = {
        round(json.loads(state.read_text(encoding="utf-8"))["epoch"]): str(state.parent)
        for state in folder.glob("checkpoint-*/trainer_state.json")
        if not averaging or RunningAverage.is_kept_in(state.parent)
    }
    done = max(found, default=0)
    return found.get(done), done


def has_checkpoint(folder: Path, options: FineTuneOptions) -> bool:
    """Whether a run in this folder would be resumed from somewhere behind its start."""
    return _last_checkpoint(folder / _CHECKPOINTS, bool(options.averaging))[0] is not None


def fine_tune(
    model: Classifier,
    tokenizer: PreTrainedTokenizerFast,
    training: Dataset,
    development: Dataset,
    options: FineTuneOptions,
    folder: Path,
    *,
    targets: npt.NDArray[np.float32] | None = None,
    resume: bool = False,
    progress: Progress = lambda done, total, what: None,
) -> None:
    """Trains `model` in place, leaving a line an epoch in `folder/training_log.jsonl`.

    A checkpoint is kept in `folder/checkpoints` after each epoch; with `resume` the last one is
    taken up, and the result is that of an unbroken run. The caller removes it, once what was
    trained is safe.

    Args:
        model: an encoder under a head.
        tokenizer: the encoder's.
        training: the films to learn from.
        development: the films to log figures on; they choose nothing here.
        options: how.
        folder: the run's folder, which exists.
        targets: (2, films, genres) what teachers make of the training films' `texts` and
            `bare_texts`; None: there are none.
        resume: take up the last checkpoint, if there is one.
        progress: is told each step.
    """
    checkpoints = folder / _CHECKPOINTS
    averaging = bool(options.averaging)
    last, done = _last_checkpoint(checkpoints, averaging) if resume else (None, 0)
    log = folder / "training_log.jsonl"
    # A run killed between an epoch's line and the end of its checkpoint repeats that epoch.
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
    log.write_text("".join(lines[:done]), encoding="utf-8")
    on_gpu = torch.cuda.is_available()
    arguments = TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size,
        learning_rate=options.rate_for(model.config.hidden_size),
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
    films = _Films(training, tokenizer, options, targets)
    _freeze(model, options.freeze_layers)
    average = RunningAverage(model, options.averaging) if averaging else None
    if average is not None and last is not None:
        average.restore(Path(last))
    trainer = _GenreTrainer(
        options=options,
        objective=_Objective(make_loss(options.loss, training.labels), options.teacher_weight),
        rarity=_rarity(training.labels),
        model=model,
        args=arguments,
        films=films,
        data_collator=_collate,
        callbacks=[_Epochs(films, tokenizer, development, options, average, log, progress)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last)
    # Takes off the bfloat16 that training wrapped around the model, which would stay on it.
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    if average is not None:
        average.exchange()
