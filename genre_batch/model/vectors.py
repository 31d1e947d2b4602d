"""The vector that a model's encoder makes of a text: what its last layers turn into logits."""

from __future__ import annotations

import onnx

__all__ = ["find_vector", "with_vectors"]

_LINEAR = ("Gemm", "MatMul", "MatMulInteger", "MatMulIntegerToFloat", "QLinearMatMul")
_HEAD = (
    *_LINEAR,
    *("Add", "Mul", "Relu", "Gelu", "Tanh", "Cast", "Identity", "Dropout"),
    *("QuantizeLinear", "DequantizeLinear"),
)
"""Operators of which a classifier on top of an encoder consists."""


def find_vector(graph: onnx.GraphProto) -> str | None:
    """Return the name of the value that the classifier reads; None if there is no classifier.

    From the logits upwards, the classifier is every operator of one kind or another that computes
    with one value and constants. The first value that is made in another way, such as by pooling
    the tokens, is the encoder's.

    Args:
        graph: with the output `logits`.
    """
    made_by = {name: node for node in graph.node for name in node.output}
    constants = {value.name for value in graph.initializer}
    constants.update(
        name for node in graph.node if node.op_type == "Constant" for name in node.output
    )
    name, passed_linear = "logits", False
    while (node := made_by.get(name)) is not None and node.op_type in _HEAD:
        computed = [value for value in node.input if value and value not in constants]
        if len(computed) != 1:
            break
        passed_linear = passed_linear or node.op_type in _LINEAR
        name = computed[0]
    return name if passed_linear and name in made_by else None


def with_vectors(content: bytes) -> tuple[bytes, str] | None:
    """Return a model whose graph also has the encoder's vector as an output, and its name.

    Args:
        content: the bytes of an ONNX file.

    Returns:
        None if the graph has no classifier on top of a vector.
    """
    model = onnx.load_model_from_string(content)
    name = find_vector(model.graph)
    if name is None:
        return None
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
    )
    return model.SerializeToString(), name
