"""The job of a training run and its options, each with the values that it may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from genre_batch.dataset.extra import ExtraTrain
from genre_batch.dataset.load import (
    CATALOG,
    CatalogPath,
    ColumnOptions,
    Further,
    LabelOptions,
    ReadingOptions,
)
from genre_batch.errors import UsageError
from genre_batch.model.metadata_checks import is_row_name
from genre_batch.options import (
    FLAG,
    SEED,
    STRING,
    STRINGS,
    Checked,
    StrPath,
    flat_values,
    from_flat_values,
    integer,
    name_list,
    number,
    one_of,
)
from genre_batch.thresholds.methods import DEFAULT_METHOD, METHODS

__all__ = [
    "KEEPS",
    "LOSSES",
    "POOLINGS",
    "PROTOCOLS",
    "SAMPLINGS",
    "DistillationOptions",
    "ModelOptions",
    "OptimizationOptions",
    "TrainJob",
    "TrainingOptions",
]

KEEPS = ("last", "best")
LOSSES = ("bce", "focal", "asymmetric", "class-balanced")
POOLINGS = ("mean", "first")
PROTOCOLS = ("clean", "paper")
SAMPLINGS = ("uniform", "rare")

_WIDE = 768


@dataclass(frozen=True)
class ModelOptions(Checked):
    """The encoder and what it reads.

    Attributes:
        max_length: tokens; longer texts are cut.
        pooling: what the head reads: the `mean` of the token vectors, or the `first` token's.
        layers: number of the base model's layers to keep, evenly spaced; None: all.
        ffn_width: number of feed-forward units to keep in each layer; None: all.
        activation: `gelu` or `relu`, of the feed-forward blocks; None: the base model's.
        freeze_layers: number of lowest layers that are not trained, with the embeddings; 0: none.
        attention_dropout: dropout on attention weights. On a CPU it makes a step a quarter slower.
    """

    max_length: int = field(default=192, metadata=integer(8))
    pooling: str = field(default="mean", metadata=one_of(*POOLINGS))
    layers: int | None = field(default=None, metadata=integer(1))
    ffn_width: int | None = field(default=None, metadata=integer(1))
    activation: str | None = field(default=None, metadata=one_of("gelu", "relu"))
    freeze_layers: int = field(default=0, metadata=integer(0))
    attention_dropout: float = field(default=0.0, metadata=number(0, 1, high_open=True))


@dataclass(frozen=True)
class OptimizationOptions(Checked):
    """The training loop.

    Attributes:
        epochs: passes over the training part.
        batch_size: films per step.
        learning_rate: peak learning rate of the encoder; None: 1.5e-4 for an encoder narrower than
            768, else 5e-5 (the default of transformers' Trainer).
        head_multiplier: learning rate of the head relative to the encoder's; the head's weights
            start at random.
        warmup: fraction of the steps over which the rate rises; it then falls linearly to zero.
        weight_decay: weight decay of AdamW, on all parameters but biases and layer norms.
        loss: training loss, one of `LOSSES`.
        sampling: `uniform`: every film once per epoch; `rare`: as many films, drawn with
            replacement, each weighted by the inverse square root of its rarest genre's frequency.
        layer_decay: learning rate of each layer relative to the layer above it.
        averaging: decay per step of the exponential moving average of the weights, which then
            becomes the model; 0: no averaging.
        keep: `last`: the weights after the last epoch; `best`: those of the epoch with the highest
            mean average precision on the dev part.
        masking: fraction of tokens replaced by [MASK], resampled every epoch.
        title_dropout: fraction of films read without their title, resampled every epoch.
    """

    epochs: int = field(default=4, metadata=integer(1))
    batch_size: int = field(default=32, metadata=integer(1))
    learning_rate: float | None = field(default=None, metadata=number(0, low_open=True))
    head_multiplier: float = field(default=10.0, metadata=number(0))
    warmup: float = field(default=0.06, metadata=number(0, 1))
    weight_decay: float = field(default=0.01, metadata=number(0))
    loss: str = field(default="bce", metadata=one_of(*LOSSES))
    sampling: str = field(default="uniform", metadata=one_of(*SAMPLINGS))
    layer_decay: float = field(default=1.0, metadata=number(0, 1, low_open=True))
    averaging: float = field(default=0.0, metadata=number(0, 1, high_open=True))
    keep: str = field(default="last", metadata=one_of(*KEEPS))
    masking: float = field(default=0.0, metadata=number(0, 1, high_open=True))
    title_dropout: float = field(default=0.25, metadata=number(0, 1))

    def rate_for(self, width: int) -> float:
        """Return the encoder's peak learning rate, given the width of its token vectors."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 5e-5 if width >= _WIDE else 1.5e-4


@dataclass(frozen=True)
class DistillationOptions(Checked):
    """Learning from teachers and from another encoder.

    Attributes:
        teacher_weight: weight of the teachers' probabilities in the loss, if there are teachers;
            the labels have the rest.
        recombined: number of texts mixed from sentences of two films, per training film
            (dataset/sentence_mixing.py); only teachers label them.
        align_epochs: epochs of embedding distillation (distillation/embedding_distillation.py), if
            there is an encoder to align to.
    """

    teacher_weight: float = field(default=0.7, metadata=number(0, 1))
    recombined: float = field(default=0.0, metadata=number(0))
    align_epochs: int = field(default=3, metadata=integer(1))


@dataclass(frozen=True)
class TrainingOptions(Checked):
    """How to train. The defaults are the recipe `default`.

    Attributes:
        optimization: the training loop.
        model: the encoder and what it reads.
        distillation: learning from teachers and from another encoder.
        seed: seed of the split, the head, the batches and the dropouts.
    """

    optimization: OptimizationOptions = field(default_factory=OptimizationOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    distillation: DistillationOptions = field(default_factory=DistillationOptions)
    seed: int = field(default=0, metadata=SEED)

    def changed(self, **values: Any) -> Self:
        """Return the options with other values, by flat names: `changed(epochs=2, seed=1)`.

        Raises:
            TypeError: no option has such a name.
            UsageError: a value out of range.
        """
        before = flat_values(self)
        unknown = values.keys() - before.keys()
        if unknown:
            raise TypeError(f"no training option {', '.join(sorted(unknown))}")
        return from_flat_values(type(self), before | values)


@dataclass(frozen=True)
class TrainJob(Checked):
    """What to train, on what.

    Attributes:
        catalog: the labeled catalog: a file, glob, folder or URL, or a list of them, whose rows
            are read as one table.
        folder: the run's folder, new or empty.
        base_model: a hub id, a local folder, or `minilm`.
        init_from: the folder of a finished run, an exported .onnx, or the name of a shipped model,
            whose encoder and head to start from instead of `base_model`, and whose films keep their
            parts; None: none.
        recipe: the name of the recipe that the job started from, for the record.
        options: how to train.
        columns: which columns hold texts, titles and genres.
        reading: how to read the catalog and, as far as it fits them, `extra_train`.
        with_title: whether the model reads titles too.
        protocol: `clean` or `paper` (dataset/load.py).
        split: a split file; None: a split is drawn.
        part_column: a column of the catalog that assigns rows to parts; None: no column does.
        min_films: genres with fewer films are left out.
        merge_labels: read spellings of a genre that differ only in case, space or width as one.
        extra_train: further catalogs, whose films join the training part: each an `ExtraTrain`,
            a path, or a string "PATH:WEIGHT". A single one need not be in a tuple.
        group: a column whose value is the same for wordings of one film; None: no wordings.
        soft_labels: a column of lists of probabilities, one for each genre; None: none.
        exclude_genres: genres of the catalog to leave out, as a sequence or joined by commas, in
            any case; None: none.
        teachers: finished runs and exported models to learn from besides the labels.
        align_to: a hub id, a local folder, or `minilm`: an encoder whose vectors the base model
            learns to predict before it learns genres; None: no embedding distillation.
        row_name: what a row of the catalog is called, in the plural: a noun such as `films`, `rows`
            or `papers`, for tables, pages and messages.
        thresholds: the threshold method, a key of `genre_batch.thresholds.methods.METHODS`.
        resume: continue from the last checkpoint in `folder`.

    Raises:
        UsageError: a value out of range.
    """

    catalog: CatalogPath = field(metadata=CATALOG)
    folder: StrPath
    base_model: StrPath = field(default="distilbert-base-uncased", metadata=STRING)
    init_from: StrPath | None = field(default=None, metadata=STRING)
    recipe: str = field(default="default", metadata=STRING)
    options: TrainingOptions = field(default_factory=TrainingOptions)
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)
    with_title: bool = field(default=False, metadata=FLAG)
    protocol: str = field(default="clean", metadata=one_of(*PROTOCOLS))
    split: StrPath | None = field(default=None, metadata=STRING)
    part_column: str | None = field(default=None, metadata=STRING)
    min_films: int = field(default=5, metadata=integer(1))
    merge_labels: bool = field(default=False, metadata=FLAG)
    extra_train: tuple[ExtraTrain, ...] = ()
    group: str | None = field(default=None, metadata=STRING)
    soft_labels: str | None = field(default=None, metadata=STRING)
    exclude_genres: str | Sequence[str] | None = None
    teachers: tuple[StrPath, ...] = field(default=(), metadata=STRINGS)
    align_to: StrPath | None = field(default=None, metadata=STRING)
    thresholds: str = field(default=DEFAULT_METHOD, metadata=one_of(*METHODS))
    row_name: str = field(default="films", metadata=STRING)
    resume: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_row_name(self.row_name):
            raise UsageError(
                f"`row_name` must be a plural noun such as papers, got {self.row_name!r}"
            )
        given: Any = self.extra_train
        if self.init_from is not None and self.align_to is not None:
            raise UsageError("`init_from` and `align_to` cannot be used together: leave one out")
        if self.split is not None and self.part_column is not None:
            raise UsageError("`split` and `part_column` cannot be used together: give one")
        extras = given if isinstance(given, tuple | list) else () if given is None else (given,)
        if self.exclude_genres is not None:
            names = name_list("exclude_genres", self.exclude_genres)
            object.__setattr__(self, "exclude_genres", names or None)
        object.__setattr__(self, "extra_train", tuple(map(ExtraTrain.parse, extras)))

    @property
    def labels(self) -> LabelOptions:
        """Which genres are learned."""
        return LabelOptions(self.min_films, self.merge_labels)

    @property
    def further(self) -> Further:
        """The columns of wordings and of soft labels, and the excluded genres."""
        return Further(self.group, self.soft_labels, tuple(self.exclude_genres or ()))
