"""Capping outliers changes no bit of the float graph."""

from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import numpy_helper

from genre_batch.exporting.graph.smooth_outliers import (
    activation_ranges,
    cap_outliers,
    layer_norm_ranges,
)
from support.graphs import TEXTS, WIDTH, run_graph


def test_the_ranges_are_the_largest_absolute_values_of_each_channel(
    model: onnx.ModelProto,
) -> None:
    table = numpy_helper.to_array(model.graph.initializer[0])
    ranges = activation_ranges(model, TEXTS)
    assert list(ranges) == ["embedded"]
    assert ranges["embedded"].tolist() == np.abs(table).max(axis=0).tolist()


def test_capping_changes_no_bit_of_the_float_graph_and_lowers_the_outlier(
    model: onnx.ModelProto,
) -> None:
    ranges = activation_ranges(model, TEXTS)
    capped = cap_outliers(copy.deepcopy(model), ranges, percentile=80)
    for ids in TEXTS:
        assert run_graph(capped, ids).tobytes() == run_graph(model, ids).tobytes()
    cap = np.percentile(ranges["embedded"], 80)
    assert ranges["embedded"].max() > 4 * cap
    assert activation_ranges(capped, TEXTS)["embedded_capped"].max() <= cap


def test_a_graph_without_outliers_is_unchanged(model: onnx.ModelProto) -> None:
    flat = {"embedded": np.ones(WIDTH, dtype=np.float32)}
    untouched = cap_outliers(copy.deepcopy(model), flat)
    assert untouched.SerializeToString() == model.SerializeToString()


def test_only_outputs_of_a_layer_norm_are_selected(model: onnx.ModelProto) -> None:
    ranges = activation_ranges(model, TEXTS)
    assert layer_norm_ranges(model, ranges) == {}
    untouched = cap_outliers(copy.deepcopy(model), layer_norm_ranges(model, ranges))
    assert untouched.SerializeToString() == model.SerializeToString()
    model.graph.node[0].op_type = "LayerNormalization"
    assert layer_norm_ranges(model, ranges) == ranges
