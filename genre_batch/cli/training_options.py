"""Options of how a model is trained: its encoder, the optimization, and teachers."""

from __future__ import annotations

import click

from genre_batch.cli.column_options import together
from genre_batch.cli.options import ACTIVATIONS, KEEPS, LOSSES, SAMPLINGS, base_model_option
from genre_batch.cli.options import option_with_default as _option

__all__ = ["training_options"]

training_options = together(
    base_model_option(
        "Hub id, local folder, exported model (its encoder; the head is new), or minilm: the "
        "weights of MiniLM-L6 in DistilBERT's architecture, from a package, without a download. "
        "Encoders of other architectures can only be teachers."
    ),
    _option(
        "--init-from",
        None,
        "RUN_DIR|MODEL.onnx|NAME",
        "Start from a finished run, an exported model, or a shipped one by its name (default, "
        "fast), in place of a base model: its encoder, its head's rows for genres of the same "
        "name, its options where none are given. Its films keep "
        "their parts.  [default: a base model]",
    ),
    _option(
        "--pooling",
        click.Choice(["mean", "first"]),
        None,
        "What the head reads: the mean of the token vectors, or the first token's.",
        "mean",
    ),
    _option(
        "--max-length",
        click.IntRange(min=8),
        "TOKENS",
        "Number of tokens at which texts are cut.",
        192,
    ),
    _option(
        "--layers",
        click.IntRange(min=1),
        "N",
        "Prune the base model to N evenly spaced layers, the first and the last included: a "
        "faster, less accurate model.  [default: all layers]",
    ),
    _option(
        "--ffn-width",
        click.IntRange(min=1),
        "N",
        "Prune each layer to the N feed-forward units with the largest weights.  [default: all "
        "units]",
    ),
    _option(
        "--activation",
        click.Choice(ACTIVATIONS),
        None,
        "Activation of the feed-forward blocks. relu: faster in int8; the weights of a base model "
        "with another one are taken over and trained further.  [default: that of the base model]",
    ),
    _option(
        "--freeze-layers",
        click.IntRange(min=0),
        "N",
        "Do not train the N lowest layers and the embeddings; 0: train all.",
        0,
    ),
    _option("--epochs", click.IntRange(min=1), "N", "Number of passes over the training films.", 4),
    _option("--batch-size", click.IntRange(min=1), "N", "Number of films per step.", 32),
    _option(
        "--learning-rate",
        click.FloatRange(min=0, min_open=True),
        "X",
        "Peak learning rate of the encoder.  [default: 1.5e-4 for an encoder narrower than 768, "
        "else 5e-5]",
    ),
    _option(
        "--layer-decay",
        click.FloatRange(0, 1, min_open=True),
        "X",
        "Learning rate of each layer relative to the layer above it.",
        1.0,
    ),
    _option(
        "--loss", click.Choice(LOSSES), None, "Training loss. bce: binary cross-entropy.", "bce"
    ),
    _option(
        "--sampling",
        click.Choice(SAMPLINGS),
        None,
        "rare: films of rare genres are drawn more often.",
        "uniform",
    ),
    _option(
        "--masking",
        click.FloatRange(0, 1, max_open=True),
        "FRACTION",
        "Fraction of tokens replaced by [MASK], resampled every epoch.",
        0.0,
    ),
    _option(
        "--averaging",
        click.FloatRange(0, 1, max_open=True),
        "DECAY",
        "Use an exponential moving average of the weights, with this decay per step; 0: none.",
        0.0,
    ),
    _option(
        "--keep",
        click.Choice(KEEPS),
        None,
        "Keep the weights of the last epoch, or of the best one on dev.",
        "last",
    ),
    _option(
        "--seed", click.IntRange(0, 2**32 - 1), "N", "Seed of the split and of the training.", 0
    ),
    click.option(
        "--teacher",
        "teachers",
        multiple=True,
        metavar="RUN_DIR|MODEL",
        help="Finished run, exported .onnx model, or default or fast, the shipped ones, to learn "
        "from besides the labels; can be repeated.  [default: none]",
    ),
    _option(
        "--teacher-weight",
        click.FloatRange(0, 1),
        "FRACTION",
        "Weight of the teachers in the loss; the labels have the rest.",
        0.7,
    ),
    _option(
        "--recombined",
        click.FloatRange(min=0),
        "RATIO",
        "Number of additional texts per film, mixed from sentences of two films and labeled by the "
        "teachers.",
        0.0,
    ),
    _option(
        "--align-to",
        None,
        "ID|DIR",
        "Encoder, usually a larger one, whose vectors the base model learns to predict before it "
        "learns genres.  [default: none]",
    ),
    _option(
        "--align-epochs",
        click.IntRange(min=1),
        "N",
        "Number of passes over the training films with --align-to.",
        3,
    ),
)
"""Add the options of `training.options.TrainingOptions`, and what a run starts from."""
