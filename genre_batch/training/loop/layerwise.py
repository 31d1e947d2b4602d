"""Layer-wise learning rates, and freezing of the lowest layers."""

from __future__ import annotations

import re
from collections.abc import Collection

import torch
from transformers import PreTrainedModel

from genre_batch.training.options import OptimizationOptions

__all__ = ["freeze", "parameter_groups", "rate_multiplier"]

_LAYER = re.compile(r"\.layer\.(\d+)\.")


def _depth(name: str, model: PreTrainedModel) -> int | None:
    """Return a parameter's height: 0 for embeddings, 1 for the lowest layer, None for the head."""
    if not name.startswith(f"{model.base_model_prefix}."):
        return None
    layer = _LAYER.search(name)
    if layer is not None:
        return int(layer.group(1)) + 1
    return 0 if ".embeddings." in name else int(model.config.num_hidden_layers)


def rate_multiplier(name: str, model: PreTrainedModel, options: OptimizationOptions) -> float:
    """Return a parameter's learning rate relative to that of the encoder's top layer.

    Layer-wise decay as in Howard and Ruder 2018, "Universal Language Model Fine-tuning for Text
    Classification", section 3.2.
    """
    depth = _depth(name, model)
    if depth is None:
        return options.head_multiplier
    return options.layer_decay ** (int(model.config.num_hidden_layers) - depth)


def parameter_groups(
    model: PreTrainedModel, options: OptimizationOptions, decayed: Collection[str]
) -> dict[tuple[float, bool], list[torch.nn.Parameter]]:
    """Group the trained parameters by rate and weight decay.

    Args:
        model: an encoder under a head.
        options: the learning rates.
        decayed: names of the parameters with weight decay.

    Returns:
        (rate multiplier, whether weight decay applies) -> parameters.
    """
    groups: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            multiplier = rate_multiplier(name, model, options)
            groups.setdefault((multiplier, name in decayed), []).append(parameter)
    return groups


def freeze(model: PreTrainedModel, layers: int) -> None:
    """Exclude the lowest layers and the embeddings from training; 0 layers: nothing."""
    for name, parameter in model.named_parameters():
        depth = _depth(name, model)
        if layers and depth is not None and depth <= layers:
            parameter.requires_grad_(False)
