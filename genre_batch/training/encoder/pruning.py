"""Structured pruning of a pre-trained encoder: fewer layers, or narrower feed-forward blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from genre_batch.errors import UsageError

__all__ = ["evenly_spaced", "prune_ffn", "prune_layers"]


@dataclass(frozen=True)
class _Names:
    """The names of an architecture's prunable modules.

    Attributes:
        layers: the list of layers, from the encoder.
        ffn_in, ffn_out: a layer's two feed-forward projections, from the layer.
        width: the feed-forward width, in the configuration.
    """

    layers: str
    ffn_in: str
    ffn_out: str
    width: str


_BERT = _Names("encoder.layer", "intermediate.dense", "output.dense", "intermediate_size")
_NAMES = {
    "distilbert": _Names("transformer.layer", "ffn.lin1", "ffn.lin2", "hidden_dim"),
    "bert": _BERT,
    "mpnet": _BERT,
    "roberta": _BERT,
}


def _names(encoder: PreTrainedModel, name: str, parameter: str) -> _Names:
    kind = encoder.config.model_type
    if kind not in _NAMES:
        raise UsageError(
            f"`{parameter}` cannot prune the base model {name!r}, which is a {kind}: leave it out, "
            f"or choose one of these architectures: {', '.join(_NAMES)}"
        )
    return _NAMES[kind]


def evenly_spaced(layers: int, count: int) -> list[int]:
    """Return the 0-based indices of `count` evenly spaced layers, the first and last included.

    A single one is the first layer, which was trained on the embeddings. Six of twelve are 0, 2, 4,
    7, 9 and 11; DistilBERT was initialized alike (Sanh et al. 2019, section 3, "one layer out of
    two").

    Args:
        layers: number of layers, at least 1.
        count: number of layers to keep, 1 to `layers`.
    """
    return [int(index) for index in np.linspace(0, layers - 1, count).round()]


def prune_layers(encoder: PreTrainedModel, name: str, count: int) -> None:
    """Remove all but `count` evenly spaced layers of an encoder, in place.

    Args:
        encoder: a DistilBERT, BERT, MPNet or RoBERTa.
        name: the name that the user gave, for messages.
        count: number of layers to keep.

    Raises:
        UsageError: the encoder has fewer layers, or is of another architecture.
    """
    stack = _names(encoder, name, "layers").layers
    layers = encoder.get_submodule(stack)
    assert isinstance(layers, torch.nn.ModuleList)
    if not 1 <= count <= len(layers):
        raise UsageError(
            f"the base model {name!r} has {len(layers)} layers: `layers` must be from 1 to "
            f"{len(layers)}, got {count}"
        )
    remaining = torch.nn.ModuleList(layers[index] for index in evenly_spaced(len(layers), count))
    encoder.set_submodule(stack, remaining)
    encoder.config.num_hidden_layers = count


def prune_ffn(encoder: PreTrainedModel, name: str, width: int) -> None:
    """Remove all but `width` feed-forward units of each layer, in place.

    Keep the units whose incoming and outgoing weights have the largest product of Euclidean norms:
    node pruning by weight norms (He et al. 2014, "Reshaping deep neural network for fast decoding
    by node-pruning"). Both norms count, since large weights on one side have no effect where those
    on the other side are small.

    Args:
        encoder: a DistilBERT, BERT, MPNet or RoBERTa.
        name: the name that the user gave, for messages.
        width: number of units to keep.

    Raises:
        UsageError: a layer has fewer units, or the encoder is of another architecture.
    """
    names = _names(encoder, name, "ffn_width")
    before = getattr(encoder.config, names.width)
    if not 1 <= width <= before:
        raise UsageError(
            f"the base model {name!r} has {before} feed-forward units per layer: `ffn_width` must "
            f"be from 1 to {before}, got {width}"
        )
    for layer in encoder.get_submodule(names.layers).children():
        ffn_in, ffn_out = (layer.get_submodule(path) for path in (names.ffn_in, names.ffn_out))
        assert isinstance(ffn_in, torch.nn.Linear)
        assert isinstance(ffn_out, torch.nn.Linear)
        weight = ffn_in.weight.norm(dim=1) * ffn_out.weight.norm(dim=0)
        units = weight.topk(width).indices.sort().values
        ffn_in.weight = torch.nn.Parameter(ffn_in.weight[units])
        ffn_in.bias = torch.nn.Parameter(ffn_in.bias[units])
        ffn_out.weight = torch.nn.Parameter(ffn_out.weight[:, units])
        ffn_in.out_features = ffn_out.in_features = width
    setattr(encoder.config, names.width, width)
