"""Sentence-transformers models that are a plain BERT, run by ONNX Runtime instead of torch.

The vectors of passages are the same to the sixth digit. A process needs a quarter of the memory:
torch brings a gigabyte of libraries, most of them for devices that are not there.

Questions, which somebody waits for, are encoded with weights of eight bits where that is about
twice as fast; docs/retrieval.md has the figures. Longer batches would gain little.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ingestion import tokenizer
from ingestion.errors import PermanentError
from ingestion.weights import Kind, Weights
from retrieval.embedders import ModelUnavailable

WEIGHTS_FILE = "model.safetensors"
EMBEDDINGS = tuple(
    f"embeddings.{name}_embeddings.weight" for name in ("word", "position", "token_type")
)
MODULES = ("Transformer", "Pooling", "Normalize")
ACTIVATIONS = ("gelu", "relu")
# On a CPU larger batches are no faster, and what they need grows with them.
TOKENS_PER_BATCH = 1024


@dataclass(frozen=True, slots=True)
class _Plan:
    """What of a model's files says how it is run."""

    folder: Path
    config: dict[str, Any]
    pooling: str
    normalizes: bool


class BertEmbedder:
    """Encodes text; safe to share between threads. Open it where `can_run` says so.

    A network is loaded when it is first needed: a worker has no need of that for questions.
    """

    kind: ClassVar[Kind] = "sentence_transformer"

    def __init__(self, weights: Weights, *, metric: str, threads: int) -> None:
        plan = _plan(Path(str(weights.path)))
        assert plan, "not a plain BERT"
        self._plan = plan
        self._threads = threads
        self._networks: dict[bool, Any] = {}
        self._lock = threading.Lock()
        self._normalizes = plan.normalizes or metric == "cosine"
        self.model = weights.model
        self.metric = metric
        self.dimension = self.dimension_of(weights)
        with _told(weights.path):
            self._tokenizer = _tokenizer(plan.folder)
            self._embeddings = _Embeddings.of(plan)

    @classmethod
    def open(cls, weights: Weights, *, metric: str, threads: int) -> BertEmbedder:
        return cls(weights, metric=metric, threads=threads)

    @classmethod
    def dimension_of(cls, weights: Weights) -> int:
        """Read the output dimension; 0 when it cannot be told."""
        plan = _plan(Path(weights.config or ""))
        return int(plan.config["hidden_size"]) if plan else 0

    def encode_images(self, images: Sequence[bytes], *, batch_size: int = 16) -> np.ndarray:
        """Refuse: a text model has no image side."""
        raise PermanentError(f"{self.model} encodes text only, not images.")

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Encode questions: (n, dimension) float32, by the weights of eight bits."""
        return self._encoded(texts, self._network(eight_bits=True))

    def encode_texts(self, texts: Sequence[str], *, batch_size: int = 32) -> np.ndarray:
        """Encode passages: (n, dimension) float32. What runs at a time is counted in tokens."""
        return self._encoded(texts, self._network(eight_bits=False))

    def _network(self, *, eight_bits: bool) -> Any:
        with self._lock:
            if eight_bits not in self._networks:
                with _told(self._plan.folder):
                    self._networks[eight_bits] = _session(self._plan, self._threads, eight_bits)
            return self._networks[eight_bits]

    def _encoded(self, texts: Sequence[str], network: Any) -> np.ndarray:
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        encoded = self._tokenizer.encode_batch(list(texts))
        for batch in _batches([len(one.ids) for one in encoded]):
            rows[batch] = self._pooled([encoded[index].ids for index in batch], network)
        if self._normalizes:
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows

    def _pooled(self, given: list[list[int]], network: Any) -> np.ndarray:
        longest = max(map(len, given))
        ids = np.zeros((len(given), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(given):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        (states,) = network.run(None, {"embedded": self._embeddings.sum(ids), "mask": mask})
        if self._plan.pooling == "cls":
            return np.asarray(states[:, 0])
        counted = mask[..., None].astype(np.float32)
        return np.asarray((states * counted).sum(axis=1) / counted.sum(axis=1))


def can_run(weights: Weights) -> bool:
    """Tell whether the model is of the kind that this module runs; loads nothing."""
    return bool(weights.path) and _plan(Path(str(weights.path))) is not None


def _plan(folder: Path) -> _Plan | None:
    config = _json(folder / "config.json", {})
    modules = [str(entry["type"]) for entry in _json(folder / "modules.json", [])]
    names = tuple(name.rpartition(".")[2] for name in modules)
    paths = [folder / str(entry["path"]) for entry in _json(folder / "modules.json", [])]
    if names != MODULES[: len(names)] or len(names) == 1 or (paths and paths[0] != folder):
        return None
    pooling = _pooling(_json(paths[1] / "config.json", {}) if paths else {})
    if pooling is None or not _is_plain_bert(config) or not _has_files(folder):
        return None
    return _Plan(folder, config, pooling, normalizes="Normalize" in names)


def _is_plain_bert(config: dict[str, Any]) -> bool:
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act", "gelu") in ACTIVATIONS
        and config.get("position_embedding_type", "absolute") in ("absolute", None)
    )


def _has_files(folder: Path) -> bool:
    prompts = _json(folder / "config_sentence_transformers.json", {}).get("prompts") or {}
    lowered = _json(folder / "sentence_bert_config.json", {}).get("do_lower_case")
    files = all((folder / name).is_file() for name in (WEIGHTS_FILE, "tokenizer.json"))
    return files and not lowered and not any(prompts.values())


def _pooling(config: dict[str, Any]) -> str | None:
    """Return "mean" or "cls"; None for other ways. A model that says none is averaged."""
    if mode := config.get("pooling_mode"):
        return mode if mode in ("mean", "cls") else None
    on = {name for name, value in config.items() if name.startswith("pooling_mode_") and value}
    known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    return known.get(on.pop()) if len(on) == 1 else (None if on else "mean")


def _json(path: Path, default: Any) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return default


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(folder / "tokenizer.json"))
    found.no_padding()
    found.enable_truncation(tokenizer.limit_of(folder))
    return found


def _session(plan: _Plan, threads: int, eight_bits: bool) -> Any:
    import onnxruntime

    from retrieval.embedders.bert_graph import BertShape, bert_graph, needed_weights

    config = plan.config
    shape = BertShape(
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        hidden=config["hidden_size"],
        epsilon=config["layer_norm_eps"],
        activation=config.get("hidden_act", "gelu"),
    )
    weights = _turned(_stored(plan, needed_weights(shape)))
    if eight_bits:
        weights = _smaller(weights)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The arena would keep what the largest batch ever needed.
    options.enable_cpu_mem_arena = False
    # The session copies them when it is made; they must live until then.
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in weights.values()]
    options.add_external_initializers(list(weights), values)
    graph = bert_graph(shape, weights)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _turned(stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Turn the matrices as the graph wants them."""
    from retrieval.embedders.bert_graph import is_dense

    return {
        name: np.ascontiguousarray(weight.T if is_dense(name) else weight)
        for name, weight in stored.items()
    }


def _smaller(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Put the matrices in eight bits, but for those that no blocks fit."""
    from retrieval.embedders.bert_graph import BLOCK, in_eight_bits, is_dense, numbers_and_scales

    made: dict[str, np.ndarray] = {}
    for name, weight in weights.items():
        if is_dense(name) and weight.shape[0] % BLOCK == 0:
            made |= zip(numbers_and_scales(name), in_eight_bits(weight), strict=True)
        else:
            made[name] = weight
    return made


def _stored(plan: _Plan, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Read weights by their names, float32, whatever a checkpoint puts before these."""
    from safetensors import safe_open

    with safe_open(plan.folder / WEIGHTS_FILE, framework="numpy") as file:
        prefix = "" if EMBEDDINGS[0] in file.keys() else "bert."  # noqa: SIM118 - no mapping.
        return {
            name: file.get_tensor(prefix + name).astype(np.float32, copy=False) for name in names
        }


@dataclass(frozen=True, slots=True)
class _Embeddings:
    """What a token is before the first layer, by its id, its place and its kind."""

    words: np.ndarray
    places: np.ndarray

    @classmethod
    def of(cls, plan: _Plan) -> _Embeddings:
        words, places, kinds = _stored(plan, EMBEDDINGS).values()
        # There is one kind of text here, so what stands for it belongs to every place.
        return cls(words, places + kinds[0])

    def sum(self, ids: np.ndarray) -> np.ndarray:
        """(batch, length) ids as (batch, length, hidden) float32."""
        return np.asarray(self.words[ids] + self.places[: ids.shape[1]])


@contextmanager
def _told(path: object) -> Iterator[None]:
    """Raise ModelUnavailable for whatever a damaged model makes the libraries raise."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as exc:
        raise ModelUnavailable(f"{path} could not be loaded: {exc}") from exc


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield the places of texts of like length, at most TOKENS_PER_BATCH together."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[index] > TOKENS_PER_BATCH:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
