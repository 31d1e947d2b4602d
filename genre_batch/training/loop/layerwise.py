"""Which layer of an encoder a parameter belongs to, and what follows from that."""

from __future__ import annotations

import re

from transformers import PreTrainedModel

from genre_batch.training.options import FineTuneOptions

__all__ = ["freeze", "rate_multiplier"]

_LAYER = re.compile(r"\.layer\.(\d+)\.")


def _depth(name: str, model: PreTrainedModel) -> int | None:
    """How high a parameter of the encoder is: 0 the embeddings, 1 the lowest layer; None: head."""
    if not name.startswith(f"{model.base_model_prefix}."):
        return None
    layer = _LAYER.search(name)
    if layer is not None:
        return int(layer.group(1)) + 1
    return 0 if ".embeddings." in name else int(model.config.num_hidden_layers)


def rate_multiplier(name: str, model: PreTrainedModel, options: FineTuneOptions) -> float:
    """A parameter's rate over the encoder's (layer-wise decay: Howard and Ruder 2018, ULMFiT)."""
    depth = _depth(name, model)
    if depth is None:
        return options.head_multiplier
    return options.layer_decay ** (int(model.config.num_hidden_layers) - depth)


def freeze(model: PreTrainedModel, layers: int) -> None:
    """Keeps the embeddings and the lowest layers as they are."""
    for name, parameter in model.named_parameters():
        depth = _depth(name, model)
        if layers and depth is not None and depth <= layers:
            parameter.requires_grad_(False)
