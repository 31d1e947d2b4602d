"""A student starts from some of the base model's layers, or of their feed-forward units."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import polars as pl
import pytest
import torch
from transformers import (
    AutoModel,
    BertConfig,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    MPNetConfig,
    PretrainedConfig,
    PreTrainedModel,
    RobertaConfig,
)

from genre_batch import tag_catalog
from genre_batch.catalog.formats import Location
from genre_batch.dataset.dataset import Dataset
from genre_batch.errors import TrainingError, UsageError
from genre_batch.exporting.export import ExportJob, export_onnx
from genre_batch.files import write_json
from genre_batch.model.metadata import read_model_file
from genre_batch.runs.folder import RunFolder
from genre_batch.training.encoder.base_model import (
    MINILM,
    Classifier,
    load_base_model,
    load_checkpoint,
)
from genre_batch.training.encoder.inference import encode
from genre_batch.training.encoder.pooling import PooledClassifier
from genre_batch.training.encoder.pruning import evenly_spaced, prune_ffn, prune_layers
from genre_batch.training.options import ModelOptions, TrainingOptions, TrainJob
from genre_batch.training.run import train

MakeJob = Callable[..., TrainJob]

SIZES = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 6,
    "intermediate_size": 24,
    "max_position_embeddings": 20,
}
CONFIGS = {
    "distilbert": DistilBertConfig(
        vocab_size=50, dim=16, n_heads=2, n_layers=6, hidden_dim=24, max_position_embeddings=20
    ),
    "bert": BertConfig(**SIZES),
    "mpnet": MPNetConfig(**SIZES),
    "roberta": RobertaConfig(**SIZES),
}
# Where each has its layers, and a layer its two feed-forward products.
STACKS = {"distilbert": "transformer.layer"} | dict.fromkeys(
    ("bert", "mpnet", "roberta"), "encoder.layer"
)
PRODUCTS = {"distilbert": ("ffn.lin1", "ffn.lin2")} | dict.fromkeys(
    ("bert", "mpnet", "roberta"), ("intermediate.dense", "output.dense")
)
TOKENS = {"input_ids": torch.arange(3, 13)[None], "attention_mask": torch.ones(1, 10).long()}
every_architecture = pytest.mark.parametrize("kind", CONFIGS)


def _random(config: PretrainedConfig) -> PreTrainedModel:
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModel.from_config(type(config)(**config.to_dict())).eval()
    return model


@torch.inference_mode()
def _vectors(encoder: PreTrainedModel) -> torch.Tensor:
    vectors: torch.Tensor = encoder(**TOKENS)[0]
    return vectors


def _weights(
    rising: torch.nn.Module, falling: torch.nn.Module
) -> tuple[torch.nn.Parameter, torch.nn.Parameter, torch.nn.Parameter]:
    """A feed-forward network's first weights and biases, and its second weights."""
    return (
        rising.get_parameter("weight"),
        rising.get_parameter("bias"),
        falling.get_parameter("weight"),
    )


def _distilbert(model: Classifier) -> DistilBertModel:
    assert isinstance(model, DistilBertForSequenceClassification)
    return model.distilbert


def _rebuilt(encoder: PreTrainedModel) -> PreTrainedModel:
    """What the encoder's own configuration says, with its weights."""
    again: PreTrainedModel = AutoModel.from_config(encoder.config).eval()
    again.load_state_dict(encoder.state_dict())
    return again


@pytest.mark.parametrize(
    ("layers", "kept", "expected"),
    [
        (6, 1, [0]),
        (6, 2, [0, 5]),
        (6, 3, [0, 2, 5]),
        (6, 4, [0, 2, 3, 5]),
        (6, 6, [0, 1, 2, 3, 4, 5]),
        (12, 6, [0, 2, 4, 7, 9, 11]),
        (1, 1, [0]),
    ],
)
def test_layers_are_spread_evenly(layers: int, kept: int, expected: list[int]) -> None:
    assert evenly_spaced(layers, kept) == expected


def test_no_layer_is_kept_twice_and_the_ends_always() -> None:
    for layers in range(2, 49):
        for kept in range(2, layers + 1):
            numbers = evenly_spaced(layers, kept)
            assert len(set(numbers)) == kept
            assert (numbers[0], numbers[-1], numbers) == (0, layers - 1, sorted(numbers))


@every_architecture
def test_the_kept_layers_weights_are_those_of_the_right_layers(kind: str) -> None:
    encoder = _random(CONFIGS[kind])
    before = {name: weight.clone() for name, weight in encoder.state_dict().items()}
    prune_layers(encoder, "base", 4)
    assert encoder.config.num_hidden_layers == 4
    after = encoder.state_dict()
    for new, old in enumerate([0, 2, 3, 5]):
        place = f"{STACKS[kind]}.{new}."
        names = [name for name in after if name.startswith(place)]
        assert names
        for name in names:
            assert torch.equal(after[name], before[name.replace(place, f"{STACKS[kind]}.{old}.")])
    assert not any(name.startswith(f"{STACKS[kind]}.4.") for name in after)
    for name in after.keys() & {name for name in before if STACKS[kind] not in name}:
        assert torch.equal(after[name], before[name])
    torch.testing.assert_close(_vectors(_rebuilt(encoder)), _vectors(encoder), rtol=0, atol=0)


@every_architecture
def test_the_feed_forward_units_with_the_largest_weights_stay(kind: str) -> None:
    encoder = _random(CONFIGS[kind])
    layers = list(encoder.get_submodule(STACKS[kind]).children())
    generator = torch.Generator().manual_seed(1)
    kept = []
    with torch.no_grad():
        for layer in layers:
            rising, falling = (layer.get_submodule(path) for path in PRODUCTS[kind])
            up, bias, down = _weights(rising, falling)
            bias.normal_(generator=generator)
            order = torch.randperm(24, generator=generator)
            # Large on one side alone is not enough.
            up[order[9:]] *= 30
            down[:, order[9:]] *= 0
            units = order[:9].sort().values
            kept.append((up[units], bias[units], down[:, units]))
    prune_ffn(encoder, "base", 9)
    for layer, expected in zip(layers, kept, strict=True):
        rising, falling = (layer.get_submodule(path) for path in PRODUCTS[kind])
        for weight, expected_weight in zip(_weights(rising, falling), expected, strict=True):
            assert torch.equal(weight, expected_weight)
    torch.testing.assert_close(_vectors(_rebuilt(encoder)), _vectors(encoder), rtol=0, atol=0)


def test_units_without_outgoing_weights_are_never_missed() -> None:
    encoder = _random(CONFIGS["distilbert"])
    with torch.no_grad():
        for layer in encoder.get_submodule("transformer.layer").children():
            layer.get_parameter("ffn.lin2.weight")[:, ::2] = 0
    before = _vectors(encoder)
    prune_ffn(encoder, "base", 12)
    torch.testing.assert_close(_vectors(encoder), before, rtol=0, atol=1e-6)


def test_minilm_in_part_has_minilm_s_weights() -> None:
    whole = _distilbert(load_base_model(MINILM, ["a"], ModelOptions())[0])
    part = _distilbert(load_base_model(MINILM, ["a"], ModelOptions(layers=3, ffn_width=768))[0])
    config = part.config
    assert (config.n_layers, config.dim, config.n_heads, config.hidden_dim) == (3, 384, 12, 768)
    for new, old in enumerate([0, 2, 5]):
        one, other = part.transformer.layer[new], whole.transformer.layer[old]
        query, rising = "attention.q_lin.weight", "ffn.lin1.weight"
        assert torch.equal(one.get_parameter(query), other.get_parameter(query))
        rows = {tuple(row) for row in other.get_parameter(rising)[:, :4].tolist()}
        assert {tuple(row) for row in one.get_parameter(rising)[:, :4].tolist()} <= rows


@pytest.mark.parametrize("count", [0, -1, 7])
@every_architecture
def test_more_layers_than_the_base_model_has_are_a_usage_error(kind: str, count: int) -> None:
    message = rf"'base' has 6 layers: `layers` must be from 1 to 6, got {count}$"
    with pytest.raises(UsageError, match=message):
        prune_layers(_random(CONFIGS[kind]), "base", count)


@pytest.mark.parametrize("width", [0, -1, 25])
def test_more_units_than_the_base_model_has_are_a_usage_error(width: int) -> None:
    message = rf"24 feed-forward .*: `ffn_width` must be from 1 to 24, got {width}$"
    with pytest.raises(UsageError, match=message):
        prune_ffn(_random(CONFIGS["bert"]), "base", width)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (ModelOptions(layers=1), "layers"),
        (ModelOptions(ffn_width=8), "ffn_width"),
    ],
)
def test_another_architecture_is_not_pruned(
    base_model: Path, tmp_path: Path, options: ModelOptions, name: str
) -> None:
    shutil.copytree(base_model, tmp_path, dirs_exist_ok=True)
    ElectraModel(ElectraConfig(**SIZES, embedding_size=16)).save_pretrained(tmp_path)
    with pytest.raises(UsageError, match=f"^`{name}` cannot prune .* a electra: leave it out"):
        load_base_model(tmp_path, ["a"], options)


def test_a_wrong_number_of_layers_leaves_no_folder(
    job: MakeJob, options: TrainingOptions, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="`layers` must be from 1 to 2, got 3"):
        train(job(tmp_path / "run", options=options.changed(layers=3)))
    with pytest.raises(TrainingError, match="keeps 1 layers: `freeze_layers` must be less than 1"):
        train(job(tmp_path / "run", options=options.changed(layers=1, freeze_layers=1)))
    assert not (tmp_path / "run").exists()


def test_a_smaller_student_is_trained_exported_and_tags(
    job: MakeJob,
    base_model: Path,
    catalog: Location,
    films: Dataset,
    options: TrainingOptions,
    tmp_path: Path,
) -> None:
    smaller = options.changed(layers=1, ffn_width=48, activation="relu")
    report = train(job(tmp_path / "run", options=smaller))
    folder = RunFolder(report.folder)
    provenance = folder.read_json(folder.provenance)
    assert provenance["shape"] == [1, 32, 2, 48]
    assert (provenance["options"]["layers"], provenance["options"]["ffn_width"]) == (1, 48)
    assert report.exportable
    again = _distilbert(load_checkpoint(report.folder)[0])
    assert (again.config.n_layers, len(again.transformer.layer)) == (1, 1)
    assert again.config.activation == "relu"
    assert any(isinstance(module, torch.nn.ReLU) for module in again.modules())
    # A rate so small that training leaves the weights where they started.
    still = smaller.changed(epochs=1, learning_rate=1e-12)
    trained = _distilbert(load_checkpoint(train(job(tmp_path / "still", options=still)).folder)[0])
    base = DistilBertModel.from_pretrained(base_model)
    query = "transformer.layer.0.attention.q_lin.weight"
    torch.testing.assert_close(trained.get_parameter(query), base.get_parameter(query))
    model = tmp_path / "model.onnx"
    exported = export_onnx(ExportJob(report.folder, model, max_loss=20))
    assert read_model_file(model).metadata.provenance["shape"] == [1, 32, 2, 48]
    kinds = [node.op_type for node in onnx.load(model).graph.node]
    assert "Erf" not in kinds
    assert kinds.count("Relu") == 1  # the head's; bytes clip the other
    assert exported.metrics["dev"]["title_and_overview"]["macro_f1"] > 0.8
    same = _distilbert(load_base_model(str(model), ["a"], ModelOptions())[0])
    assert same.config.activation == "relu"
    weights = (part.get_parameter(query) for part in (same, again))
    torch.testing.assert_close(*weights, rtol=0, atol=0.01)
    tagged = tmp_path / "tagged.parquet"
    tag_catalog(str(catalog.path), str(tagged), model=str(model))
    truth, found = pl.read_csv(catalog.path), pl.read_parquet(tagged)
    assert found.height == truth.height
    right = [
        set(genres.split(", ")) == set(predicted)
        for genres, predicted in zip(truth["genres"], found["predicted_genres"], strict=True)
        if genres and predicted is not None
    ]
    assert sum(right) > 0.6 * len(films)


def test_a_smaller_teacher_s_head_starts_on_its_own_vectors(
    job: MakeJob, tiny_bert: Path, films: Dataset, options: TrainingOptions, tmp_path: Path
) -> None:
    frozen = options.changed(epochs=1, layers=1, ffn_width=32, learning_rate=1e-12)
    folder = train(job(tmp_path / "run", base_model=str(tiny_bert), options=frozen)).folder
    assert RunFolder.read_json(folder / "provenance.json")["shape"] == [1, 32, 2, 32]
    trained, tokenizer = load_checkpoint(folder)
    assert isinstance(trained, PooledClassifier)
    small = load_base_model(tiny_bert, films.names, ModelOptions(layers=1, ffn_width=32))[0]
    assert isinstance(small, PooledClassifier)
    texts = films.part("train").texts
    expected = encode(small, tokenizer, texts, 32)
    found = encode(trained, tokenizer, texts, 32)
    torch.testing.assert_close(torch.tensor(found), torch.tensor(expected), rtol=0, atol=1e-3)
    # From random weights one epoch at no rate would have left it at a guess.
    metrics = RunFolder.read_json(folder / "metrics.json")
    assert metrics["dev"]["title_and_overview"]["map"] > 0.7


def test_a_run_begun_before_an_option_was_there_goes_on(
    job: MakeJob, run: Path, extra_catalog: Location, tmp_path: Path
) -> None:
    old = Path(shutil.copytree(run, tmp_path / "run"))
    provenance = RunFolder.read_json(old / "provenance.json")
    for option in ("layers", "ffn_width", "keep", "recombined"):
        del provenance["options"][option]
    write_json(old / "provenance.json", provenance)
    (old / "SHA256SUMS").unlink()
    again = job(old, extra_train=extra_catalog.path, resume=True)
    stages = set()
    train(again, lambda done, total, what: stages.add(what))
    assert stages == set()
    cut = replace(again, options=again.options.changed(layers=1))
    with pytest.raises(TrainingError, match=r"has another shape, .* `layers` is 1 here"):
        train(cut)
