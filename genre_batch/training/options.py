"""How to fine-tune: the options, and the recipes they start from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KEEPS", "RECIPES", "SAMPLINGS", "FineTuneOptions"]

SAMPLINGS = ("uniform", "rare")
KEEPS = ("last", "best")

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
        layers: how many of the base model's layers to keep, evenly spread; None: all.
        ffn_width: how many feed-forward units of each layer to keep; None: all.
        loss: of `losses.LOSSES`.
        sampling: `uniform`, every film once an epoch, or `rare`, as many films, drawn with
            replacement in proportion to the inverse square root of how often their rarest genre is.
        layer_decay: each layer's rate over the next higher one's; the embeddings are the lowest.
        freeze_layers: lowest layers that stay as they are, the embeddings with them; 0: none.
        averaging: decay, each step, of the running average of the weights that becomes the model;
            0: the last weights are.
        keep: `last`, the weights that training ends with, or `best`, those of the epoch with the
            highest mean average precision on development.
        masking: share of the tokens hidden behind the mask token, drawn anew each epoch.
        teacher_weight: share of the teachers' part in the loss, where there are any; the labels
            have the rest.
        recombined: texts put together from the training films' sentences
            (distillation/sentence_mixing.py), for each of those films; only teachers say what
            genres they have.
        align_epochs: passes over the training part in which the encoder learns to say what another
            one says (distillation/embedding_distillation.py), where there is one, before it
            learns genres.
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
    layers: int | None = None
    ffn_width: int | None = None
    loss: str = "bce"
    sampling: str = "uniform"
    layer_decay: float = 1.0
    freeze_layers: int = 0
    averaging: float = 0.0
    keep: str = "last"
    masking: float = 0.0
    teacher_weight: float = 0.7
    recombined: float = 0.0
    align_epochs: int = 3
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
