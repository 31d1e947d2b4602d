"""Pooling of token vectors, and a classifier of any transformers encoder under a linear head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

__all__ = ["PooledClassifier", "pool"]


def pool(hidden: torch.Tensor, attention_mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Pool the token vectors of each text into one vector, (batch, width).

    The mean is computed as a matrix product. The order in which onnxruntime's ReduceSum adds
    depends on the padding; a product with zero weights for the padding does not.

    Args:
        hidden: (batch, tokens, width) output of an encoder's last layer.
        attention_mask: (batch, tokens), 1 for tokens, 0 for padding.
        pooling: `mean` of the token vectors, or the `first` token's.
    """
    if pooling == "first":
        return hidden[:, 0]
    mask = attention_mask.to(hidden.dtype)
    weights = mask / mask.sum(dim=1, keepdim=True)
    return torch.bmm(weights.unsqueeze(1), hidden).squeeze(1)


class PooledClassifier(PreTrainedModel):
    """An encoder with one linear layer on its pooled token vectors. Teachers are of this class.

    Attributes:
        encoder: the `AutoModel` of the configuration.
        classifier: the head, (width) -> (genres) logits.
    """

    base_model_prefix = "encoder"

    def __init__(self, config: PretrainedConfig) -> None:
        """Create the model with random weights; `config.pooling` is `mean` or `first`."""
        super().__init__(config)
        self.encoder = AutoModel.from_config(config, attn_implementation="eager")
        self.dropout = torch.nn.Dropout(getattr(config, "hidden_dropout_prob", 0.1))
        self.classifier = torch.nn.Linear(config.hidden_size, config.num_labels)

    def forward(
        self, attention_mask: torch.Tensor, **texts: torch.Tensor
    ) -> SequenceClassifierOutput:
        """Return (batch, genres) logits.

        Args:
            attention_mask: (batch, tokens) int64, 1 for tokens, 0 for padding.
            **texts: `input_ids`, (batch, tokens) int64, or, while frozen layers are removed
                (frozen_features.py), `inputs_embeds`, (batch, tokens, width) float32.
        """
        hidden = self.encoder(attention_mask=attention_mask, **texts)[0]
        pooled = pool(hidden, attention_mask, self.config.pooling)
        logits: Any = self.classifier(self.dropout(pooled))
        return SequenceClassifierOutput(logits=logits)

    @classmethod
    def load(cls, folder: Path) -> PooledClassifier:
        """Load what `save_pretrained` wrote.

        Raises:
            OSError, ValueError, RuntimeError: a file is missing or damaged.
        """
        model = cls(AutoConfig.from_pretrained(folder))
        model.load_state_dict(load_file(folder / "model.safetensors"))
        return model
