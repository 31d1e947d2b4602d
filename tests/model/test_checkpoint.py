"""An exported model becomes a checkpoint with the weights and the tokenizer of its run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from genre_batch.errors import ModelError
from genre_batch.model.checkpoint import float_weights, write_checkpoint
from genre_batch.model.metadata import read_model_file
from genre_batch.training.encoder.base_model import load_base_model, load_checkpoint
from genre_batch.training.encoder.inference import predict
from genre_batch.training.options import ModelOptions
from support import tiny

TEXTS = ["the ghost and the old city", "a kiss", "the gun, the bomb and the soldier"]


def test_a_float_export_has_the_weights_of_its_run(run: Path, exported: dict[str, Path]) -> None:
    expected = load_file(run / "model.safetensors")
    found = float_weights(read_model_file(exported["fp32"]))
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-6, atol=1e-7, err_msg=name)


def test_an_8_bit_export_has_them_up_to_rounding(run: Path, exported: dict[str, Path]) -> None:
    expected = load_file(run / "model.safetensors")
    found = float_weights(read_model_file(exported["int8"]))
    assert found.keys() == expected.keys()
    for name, values in found.items():
        largest = np.abs(expected[name]).max()
        assert np.abs(values - expected[name]).max() <= 4 * largest / 254, name


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-6), ("int8", 0.01)])
def test_the_checkpoint_predicts_what_the_run_predicts(
    run: Path, exported: dict[str, Path], tmp_path: Path, precision: str, tolerance: float
) -> None:
    write_checkpoint(read_model_file(exported[precision]), tmp_path)
    expected, found = (
        predict(model, tokenizer, TEXTS, 64)
        for model, tokenizer in (load_checkpoint(run), load_checkpoint(tmp_path))
    )
    np.testing.assert_allclose(found, expected, atol=tolerance)


def test_training_starts_from_the_encoder_of_an_exported_model(
    run: Path, exported: dict[str, Path]
) -> None:
    model, tokenizer = load_base_model(exported["fp32"], ["Left", "Right"], ModelOptions())
    expected, _ = load_checkpoint(run)
    assert model.config.id2label == {0: "Left", 1: "Right"}
    assert (tokenizer.pad_token, tokenizer.mask_token) == ("[PAD]", "[MASK]")
    for name, values in expected.base_model.state_dict().items():
        torch.testing.assert_close(model.base_model.state_dict()[name], values)


def test_a_smaller_student_with_another_activation_starts_from_an_exported_model(
    run: Path, exported: dict[str, Path]
) -> None:
    options = ModelOptions(layers=1, activation="relu")
    model, _ = load_base_model(exported["int8"], ["Left"], options)
    assert (model.config.activation, model.config.n_layers) == ("relu", 1)
    name = "transformer.layer.0.ffn.lin1.weight"
    expected = load_checkpoint(run)[0].base_model.get_parameter(name)
    torch.testing.assert_close(model.base_model.get_parameter(name), expected, rtol=0, atol=0.01)


def test_a_graph_of_another_making_is_refused(tmp_path: Path) -> None:
    file = read_model_file(tiny.write_model(tmp_path / "other.onnx"))
    with pytest.raises(ModelError, match=r"other\.onnx: the graph is not one .* give the folder"):
        float_weights(file)
