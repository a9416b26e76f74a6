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
MASKED = -1e9


@dataclass(frozen=True, slots=True)
class BertShape:
    """What of a BERT's config.json the graph depends on."""

    layers: int
    heads: int
    hidden: int
    epsilon: float
    activation: str


def bert_graph(shape: BertShape, weights: Mapping[str, tuple[int, ...]]) -> bytes:
    """Return a serialised ONNX model: token ids and mask in, last hidden states out.

    Inputs `ids`, `mask` (batch, length) int64; output `states` (batch, length, hidden)
    float32. The weights, given as name and shape, are initializers without data: add them to
    the session. Dense matrices are (inputs, outputs).
    """
    graph = _Graph(shape)
    states = graph.embeddings()
    bias = graph.mask_bias()
    for layer in range(shape.layers):
        states = graph.layer(layer, states, bias)
    graph.add("Identity", [states], output="states")
    return graph.serialised(weights)


def needed_weights(shape: BertShape) -> Iterator[str]:
    """Yield the names of the weights that the graph uses."""
    yield from (f"embeddings.{name}_embeddings.weight" for name in ("word", "position"))
    yield "embeddings.token_type_embeddings.weight"
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


def _both(place: str) -> tuple[str, str]:
    return f"{place}.weight", f"{place}.bias"


@dataclass(slots=True)
class _Graph:
    """Collects nodes; every method returns the name of what it computes."""

    shape: BertShape
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

    def embeddings(self) -> str:
        words = self.add("Gather", ["embeddings.word_embeddings.weight", "ids"])
        length = self.add("Gather", [self.add("Shape", ["ids"]), self.constant(1)])
        places = self.add("Range", [self.constant(0), length, self.constant(1)])
        position = self.add("Gather", ["embeddings.position_embeddings.weight", places])
        kind = self.add("Gather", ["embeddings.token_type_embeddings.weight", self.constant(0)])
        summed = self.add("Add", [words, self.add("Add", [position, kind])])
        return self.normed(summed, "embeddings.LayerNorm")

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
        return self.add("Add", [self.add("MatMul", [states, weight]), bias])

    def normed(self, states: str, place: str) -> str:
        weight, bias = _both(place)
        return self.add(
            "LayerNormalization", [states, weight, bias], axis=-1, epsilon=self.shape.epsilon
        )

    def serialised(self, weights: Mapping[str, tuple[int, ...]]) -> bytes:
        states = helper.make_tensor_value_info(
            "states", TensorProto.FLOAT, ["batch", "length", self.shape.hidden]
        )
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
            for name in ("ids", "mask")
        ]
        outside = [_without_data(name, size) for name, size in weights.items()]
        graph = helper.make_graph(self.nodes, "bert", inputs, [states], [*self.constants, *outside])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        return bytes(model.SerializeToString())


def _without_data(name: str, size: tuple[int, ...]) -> Any:
    tensor = TensorProto(
        name=name,
        dims=size,
        data_type=TensorProto.FLOAT,
        data_location=TensorProto.EXTERNAL,
    )
    tensor.external_data.add(key="location", value="in memory")
    return tensor
