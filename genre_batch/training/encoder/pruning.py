"""A smaller encoder made of a pre-trained one: fewer of its layers, or narrower ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from genre_batch.errors import UsageError

__all__ = ["prune_ffn", "prune_layers", "spread"]


@dataclass(frozen=True)
class _Places:
    """Where an architecture has what is cut.

    Attributes:
        layers: the list of layers, from the encoder.
        rising, falling: a layer's two feed-forward products, from the layer.
        width: the feed-forward width's name in the configuration.
    """

    layers: str
    rising: str
    falling: str
    width: str


_BERT = _Places("encoder.layer", "intermediate.dense", "output.dense", "intermediate_size")
_PLACES = {
    "distilbert": _Places("transformer.layer", "ffn.lin1", "ffn.lin2", "hidden_dim"),
    "bert": _BERT,
    "mpnet": _BERT,
    "roberta": _BERT,
}


def _places(encoder: PreTrainedModel, name: str, option: str) -> _Places:
    kind = encoder.config.model_type
    if kind not in _PLACES:
        raise UsageError(
            f"{option} cannot cut the base model {name!r}, a {kind}: leave it out, or choose one "
            f"of these: {', '.join(_PLACES)}"
        )
    return _PLACES[kind]


def spread(layers: int, kept: int) -> list[int]:
    """Numbers, from 0, of `kept` of so many layers, evenly spread, the first and last among them.

    Of one, the first, which knows what the embeddings give it. Six of twelve are 0, 2, 4, 7, 9 and
    11, with which DistilBERT started (Sanh et al. 2019, section 3, "one layer out of two").

    Args:
        layers: at least one.
        kept: 1 to `layers`.
    """
    return [int(number) for number in np.linspace(0, layers - 1, kept).round()]


def prune_layers(encoder: PreTrainedModel, name: str, count: int) -> None:
    """Leaves out all but `count` of an encoder's layers, those that `spread` says, in place.

    Args:
        encoder: a DistilBERT, BERT, MPNet or RoBERTa.
        name: what the user called it, for errors.
        count: how many stay.

    Raises:
        UsageError: the encoder has not so many, the count is below 1, or it is built otherwise.
    """
    stack = _places(encoder, name, "--layers").layers
    layers = encoder.get_submodule(stack)
    assert isinstance(layers, torch.nn.ModuleList)
    if not 1 <= count <= len(layers):
        raise UsageError(
            f"the base model {name!r} has {len(layers)} layers: --layers takes 1 to {len(layers)}, "
            f"not {count}"
        )
    kept = torch.nn.ModuleList(layers[number] for number in spread(len(layers), count))
    encoder.set_submodule(stack, kept)
    encoder.config.num_hidden_layers = count


def prune_ffn(encoder: PreTrainedModel, name: str, width: int) -> None:
    """Leaves out all but `width` feed-forward units of each layer, in place.

    Those stay whose incoming and outgoing weights have the largest product of Euclidean norms:
    node pruning by weight norms (He et al. 2014, "Reshaping deep neural network for fast decoding
    by node-pruning"), of both sides, since either alone can be large where the other undoes it.

    Args:
        encoder: a DistilBERT, BERT, MPNet or RoBERTa.
        name: what the user called it, for errors.
        width: how many stay.

    Raises:
        UsageError: a layer has not so many, the width is below 1, or it is built otherwise.
    """
    places = _places(encoder, name, "--ffn-width")
    before = getattr(encoder.config, places.width)
    if not 1 <= width <= before:
        raise UsageError(
            f"the base model {name!r} has {before} feed-forward units a layer: --ffn-width takes "
            f"1 to {before}, not {width}"
        )
    for layer in encoder.get_submodule(places.layers).children():
        rising, falling = (layer.get_submodule(path) for path in (places.rising, places.falling))
        assert isinstance(rising, torch.nn.Linear)
        assert isinstance(falling, torch.nn.Linear)
        weight = rising.weight.norm(dim=1) * falling.weight.norm(dim=0)
        kept = weight.topk(width).indices.sort().values
        rising.weight = torch.nn.Parameter(rising.weight[kept])
        rising.bias = torch.nn.Parameter(rising.bias[kept])
        falling.weight = torch.nn.Parameter(falling.weight[:, kept])
        rising.out_features = falling.in_features = width
    setattr(encoder.config, places.width, width)
