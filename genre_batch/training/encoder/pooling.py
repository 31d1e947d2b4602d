"""Any encoder of transformers under a small head: what teachers are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

__all__ = ["PooledClassifier", "pool"]


def pool(hidden: torch.Tensor, attention_mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """(batch, tokens, width) token vectors, (batch, tokens) mask -> (batch, width).

    The mean is a matrix product: onnxruntime's ReduceSum adds in an order that depends on the
    padding, a product with zero weights for the padding does not.

    Args:
        hidden: an encoder's last layer.
        attention_mask: 1 for tokens, 0 for padding.
        pooling: `mean` of the tokens' vectors, or the `first` one's.
    """
    if pooling == "first":
        return hidden[:, 0]
    mask = attention_mask.to(hidden.dtype)
    weights = mask / mask.sum(dim=1, keepdim=True)
    return torch.bmm(weights.unsqueeze(1), hidden).squeeze(1)


class PooledClassifier(PreTrainedModel):
    """An encoder under one linear layer that reads its pooled token vectors.

    Attributes:
        encoder: what `AutoModel` makes of the configuration.
        classifier: (width) -> (genres) logits.
    """

    base_model_prefix = "encoder"

    def __init__(self, config: PretrainedConfig) -> None:
        """Random weights; `config.pooling` is `mean` or `first`."""
        super().__init__(config)
        self.encoder = AutoModel.from_config(config, attn_implementation="eager")
        self.dropout = torch.nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)

    def pooled(self, attention_mask: torch.Tensor, **texts: torch.Tensor) -> torch.Tensor:
        """As `forward`, -> (batch, width)."""
        hidden = self.encoder(attention_mask=attention_mask, **texts)[0]
        return pool(hidden, attention_mask, self.config.pooling)

    def forward(
        self, attention_mask: torch.Tensor, **texts: torch.Tensor
    ) -> SequenceClassifierOutput:
        """Texts -> (batch, genres) logits.

        Args:
            attention_mask: (batch, tokens) int64, 1 for tokens, 0 for padding.
            **texts: `input_ids`, (batch, tokens) int64, or, while frozen layers are taken out
                (frozen_features.py), `inputs_embeds`, (batch, tokens, width) float32.
        """
        pooled = self.pooled(attention_mask, **texts)
        logits: Any = self.classifier(self.dropout(pooled))
        return SequenceClassifierOutput(logits=logits)

    @classmethod
    def load(cls, folder: Path) -> PooledClassifier:
        """What `save_pretrained` wrote.

        Raises:
            OSError, ValueError, RuntimeError: it is missing or damaged.
        """
        model = cls(AutoConfig.from_pretrained(folder))
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model
