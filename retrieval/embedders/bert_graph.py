"""BERT as an ONNX graph, built from a model's configuration; the only importer of onnx."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

# What a runtime of 2024 reads.
OPSET = 20
IR_VERSION = 10
# Where ONNX Runtime's own operators are defined.
CONTRIBUTED = "com.microsoft"
MASKED = -1e9
# Weights of eight bits share a scale in blocks of so many inputs.
BLOCK = 32
# Lets MatMulNBits multiply in whole numbers: activations become eight bits too, by block.
WHOLE_NUMBERS = 4


@dataclass(frozen=True, slots=True)
class BertShape:
    """What of a BERT's config.json the graph depends on."""

    layers: int
    heads: int
    hidden: int
    epsilon: float
    activation: str


def bert_graph(shape: BertShape, weights: Mapping[str, np.ndarray]) -> bytes:
    """Return a serialised ONNX model: embedded tokens and mask in, last hidden states out.

    Inputs `embedded` (batch, length, hidden) float32, the sum of a token's embeddings, and
    `mask` (batch, length) int64; output `states` like `embedded`. The weights are
    initializers without data: add them to the session. Dense matrices are (inputs, outputs),
    or as `in_eight_bits` returns them.
    """
    graph = _Graph(shape, weights)
    states = graph.normed("embedded", "embeddings.LayerNorm")
    bias = graph.mask_bias()
    for layer in range(shape.layers):
        states = graph.layer(layer, states, bias)
    graph.add("Identity", [states], output="states")
    return graph.serialised()


def needed_weights(shape: BertShape) -> Iterator[str]:
    """Yield the names of the weights that the graph uses, as checkpoints name them."""
    yield from _both("embeddings.LayerNorm")
    for layer in range(shape.layers):
        place = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            yield from _both(f"{place}.attention.self.{part}")
        for part in ("attention.output.dense", "intermediate.dense", "output.dense"):
            yield from _both(f"{place}.{part}")
        for part in ("attention.output", "output"):
            yield from _both(f"{place}.{part}.LayerNorm")


def is_dense(name: str) -> bool:
    """Tell whether the weight is a matrix that checkpoints store as (outputs, inputs)."""
    return name.endswith(".weight") and (".self." in name or ".dense." in name)


def in_eight_bits(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a matrix (inputs, outputs) as MatMulNBits takes it: numbers and their scales.

    Inputs are a multiple of BLOCK. Numbers (outputs, blocks, BLOCK) uint8, 128 stands for
    zero; scales (outputs, blocks) float32. Source: the operator's definition among ONNX
    Runtime's contributed operators.
    """
    blocks = weight.T.reshape(weight.shape[1], -1, BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=2), np.finfo(np.float32).tiny) / 127
    numbers = np.rint(blocks / scales[..., None]) + 128
    return numbers.astype(np.uint8, order="C"), scales.astype(np.float32, order="C")


def numbers_and_scales(name: str) -> tuple[str, str]:
    """Return the names of the two weights that stand for one of eight bits."""
    return f"{name}.numbers", f"{name}.scales"


def _both(place: str) -> tuple[str, str]:
    return f"{place}.weight", f"{place}.bias"


@dataclass(slots=True)
class _Graph:
    """Collects nodes; every method returns the name of what it computes."""

    shape: BertShape
    weights: Mapping[str, np.ndarray]
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, kind: str, inputs: Sequence[str], *, output: str = "", **options: Any) -> str:
        name = output or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **options))
        return name

    def constant(self, value: Any, kind: type = np.int64) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=kind), name))
        return name

    def mask_bias(self) -> str:
        """(batch, 1, 1, length): 0 for tokens, a very small number for padding."""
        mask = self.add("Cast", ["mask"], to=TensorProto.FLOAT)
        left_out = self.add("Sub", [self.constant(1, np.float32), mask])
        bias = self.add("Mul", [left_out, self.constant(MASKED, np.float32)])
        return self.add("Unsqueeze", [bias, self.constant([1, 2])])

    def layer(self, number: int, states: str, bias: str) -> str:
        place = f"encoder.layer.{number}"
        seen = self.attention(f"{place}.attention.self", states, bias)
        seen = self.dense(seen, f"{place}.attention.output.dense")
        states = self.normed(self.add("Add", [seen, states]), f"{place}.attention.output.LayerNorm")
        inner = self.add(*self.activation(self.dense(states, f"{place}.intermediate.dense")))
        outer = self.dense(inner, f"{place}.output.dense")
        return self.normed(self.add("Add", [outer, states]), f"{place}.output.LayerNorm")

    def activation(self, of: str) -> tuple[str, list[str]]:
        return {"gelu": "Gelu", "relu": "Relu"}[self.shape.activation], [of]

    def attention(self, place: str, states: str, bias: str) -> str:
        query, key, value = (
            self.heads(self.dense(states, f"{place}.{part}")) for part in ("query", "key", "value")
        )
        scores = self.add("MatMul", [query, self.add("Transpose", [key], perm=[0, 1, 3, 2])])
        size = self.shape.hidden // self.shape.heads
        scaled = self.add("Div", [scores, self.constant(np.sqrt(size), np.float32)])
        share = self.add("Softmax", [self.add("Add", [scaled, bias])], axis=-1)
        seen = self.add("Transpose", [self.add("MatMul", [share, value])], perm=[0, 2, 1, 3])
        return self.add("Reshape", [seen, self.constant([0, 0, self.shape.hidden])])

    def heads(self, states: str) -> str:
        """(batch, length, hidden) as (batch, heads, length, size)."""
        size = self.shape.hidden // self.shape.heads
        split = self.add("Reshape", [states, self.constant([0, 0, self.shape.heads, size])])
        return self.add("Transpose", [split], perm=[0, 2, 1, 3])

    def dense(self, states: str, place: str) -> str:
        weight, bias = _both(place)
        numbers, scales = numbers_and_scales(weight)
        if numbers not in self.weights:
            return self.add("Add", [self.add("MatMul", [states, weight]), bias])
        outputs, blocks, _ = self.weights[numbers].shape
        return self.add(
            "MatMulNBits",
            [states, numbers, scales, "", "", bias],
            domain=CONTRIBUTED,
            K=blocks * BLOCK,
            N=outputs,
            bits=8,
            block_size=BLOCK,
            accuracy_level=WHOLE_NUMBERS,
        )

    def normed(self, states: str, place: str) -> str:
        weight, bias = _both(place)
        return self.add(
            "LayerNormalization", [states, weight, bias], axis=-1, epsilon=self.shape.epsilon
        )

    def serialised(self) -> bytes:
        size: list[str | int | None] = ["batch", "length", self.shape.hidden]
        inputs = [
            helper.make_tensor_value_info("embedded", TensorProto.FLOAT, size),
            helper.make_tensor_value_info("mask", TensorProto.INT64, size[:2]),
        ]
        outputs = [helper.make_tensor_value_info("states", TensorProto.FLOAT, size)]
        outside = [_without_data(name, weight) for name, weight in self.weights.items()]
        graph = helper.make_graph(self.nodes, "bert", inputs, outputs, [*self.constants, *outside])
        imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIBUTED, 1)]
        model = helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION)
        return bytes(model.SerializeToString())


def _without_data(name: str, weight: np.ndarray) -> Any:
    tensor = TensorProto(
        name=name,
        dims=weight.shape,
        data_type=helper.np_dtype_to_tensor_dtype(weight.dtype),
        data_location=TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value="in memory")
    return tensor
