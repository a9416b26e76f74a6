"""Texts and queries as vectors, by a sentence-transformers model."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np

from ingestion.errors import PermanentError
from ingestion.weights import Kind, Weights
from retrieval.embedders import Embedder, ModelUnavailable
from retrieval.embedders.bert import BertEmbedder, can_run
from retrieval.embedders.compiled import OUTCOME_FILE, CompiledNetwork, open_network

# What sentence-transformers calls the metrics.
METRICS = {
    "cosine": "cosine",
    "dot": "dot",
    "dot_score": "dot",
    "euclidean": "l2",
}


class SentenceTransformerEmbedder:
    """Encodes text; a model's own prompts for queries and documents are applied."""

    kind: ClassVar[Kind] = "sentence_transformer"

    @classmethod
    def open(cls, weights: Weights, *, metric: str, threads: int) -> Embedder:
        """Load the model: without torch, where it is a plain BERT."""
        chosen = BertEmbedder if can_run(weights) else cls
        return chosen(weights, metric=metric, threads=threads)

    def __init__(self, weights: Weights, *, metric: str, threads: int) -> None:
        import torch
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        try:
            encoder = SentenceTransformer(str(weights.path), device="cpu", local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as exc:
            raise ModelUnavailable(f"{weights.path} could not be loaded: {exc}") from exc
        self._encoder = encoder
        self._threads = threads
        self._compiled_at: Path | None = None
        self._compiled: CompiledNetwork | None = None
        # The tokenizer is not safe to share between threads.
        self._lock = threading.Lock()
        self.model = weights.model
        self.metric = metric
        self.dimension = int(encoder.get_embedding_dimension() or 0)

    @classmethod
    def dimension_of(cls, weights: Weights) -> int:
        """Read the output dimension of the last module that has one; 0 when it cannot be told."""
        if not weights.config:
            return 0
        folder = Path(weights.config)
        for module in reversed(_json(folder / "modules.json", [])):
            dimension = _output_dimension(_json(folder / module["path"] / "config.json", {}))
            if dimension:
                return dimension
        return int(_json(folder / "config.json", {}).get("hidden_size", 0))

    @classmethod
    def metric_of(cls, weights: Weights) -> str:
        """Read the metric that the model was trained for; cosine when it does not say."""
        folder = Path(weights.config or "")
        said = _json(folder / "config_sentence_transformers.json", {}).get("similarity_fn_name")
        if said in METRICS:
            return METRICS[said]
        modules = [module["type"] for module in _json(folder / "modules.json", [])]
        if any(module.endswith("Normalize") for module in modules):
            return "cosine"
        # Older checkpoints say it in their name alone, such as multi-qa-mpnet-base-dot-v1.
        return "dot" if "-dot" in weights.model.lower() else "cosine"

    def run_compiled(self, place: Path) -> None:
        """Run the network by ONNX Runtime from when its export is there, and to the same effect."""
        self._compiled_at = place

    def encode_texts(self, texts: Sequence[str], *, batch_size: int = 32) -> np.ndarray:
        """Encode passages: (n, dimension) float32."""
        with self._lock:
            self._look_for_compiled()
            return self._as_rows(
                self._encoder.encode_document(list(texts), batch_size=batch_size, **self._options)
            )

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Encode questions: (n, dimension) float32."""
        with self._lock:
            self._look_for_compiled()
            return self._as_rows(self._encoder.encode_query(list(texts), **self._options))

    def _look_for_compiled(self) -> None:
        if self._compiled_at is None or not (self._compiled_at / OUTCOME_FILE).exists():
            return
        self._compiled = open_network(self._compiled_at, threads=self._threads)
        self._compiled_at = None
        if self._compiled is not None:
            network = cast(Any, self._encoder[0]).auto_model
            network.forward = self._compiled
            for parameter in network.parameters():
                # The export has weights of its own; these would only take memory.
                parameter.data = parameter.data.new_empty(0)

    def encode_images(self, images: Sequence[bytes], *, batch_size: int = 16) -> np.ndarray:
        """Refuse: a text model has no image side."""
        raise PermanentError(f"{self.model} encodes text only, not images.")

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "normalize_embeddings": self.metric == "cosine",
            "convert_to_numpy": True,
            "show_progress_bar": False,
        }

    def _as_rows(self, vectors: np.ndarray) -> np.ndarray:
        # No texts come back as an array without a second axis.
        return np.asarray(vectors, dtype=np.float32).reshape(-1, self.dimension)


def _json(path: Path, default: Any) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return default


def _output_dimension(config: dict[str, Any]) -> int:
    names = ("out_features", "word_embedding_dimension", "embedding_dimension", "hidden_size")
    return int(next((config[name] for name in names if config.get(name)), 0))
