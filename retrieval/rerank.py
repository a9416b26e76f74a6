"""Score query and passage together with a cross-encoder, where its weights can be had."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from django.conf import settings

from ingestion import weights as model_weights
from ingestion.errors import TransientError
from ingestion.weights import Weights
from retrieval.embedders import ModelUnavailable, model_threads

BATCH_SIZE = 16


class Reranker:
    """A cross-encoder, loaded from local weights. Raises ModelUnavailable."""

    def __init__(self, weights: Weights, *, threads: int) -> None:
        import torch
        from safetensors import SafetensorError
        from sentence_transformers import CrossEncoder

        torch.set_num_threads(threads)
        try:
            self._encoder = CrossEncoder(str(weights.path), device="cpu", local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as exc:
            raise ModelUnavailable(f"{weights.path} could not be loaded: {exc}") from exc
        self.model = weights.model
        # The tokenizer is not safe to share between threads.
        self._lock = threading.Lock()

    def scores(self, query: str, passages: Sequence[str]) -> list[float]:
        """Score each passage for the query; higher is better, comparable within one call."""
        if not passages:
            return []
        # Batches of like length waste little on padding.
        order = sorted(range(len(passages)), key=lambda index: len(passages[index]))
        with self._lock:
            ordered = self._encoder.predict(
                [(query, passages[index]) for index in order],
                batch_size=BATCH_SIZE,
                show_progress_bar=False,
            )
        scores = np.empty(len(passages))
        scores[order] = np.asarray(ordered, dtype=np.float64).reshape(len(passages))
        return scores.tolist()


def locate() -> Weights:
    """Say where the reranker of the settings is, loading nothing."""
    return model_weights.locate(
        settings.RERANK_MODEL,
        kind="cross_encoder",
        models_dir=settings.MODELS_DIR,
        allow_downloads=settings.MODEL_DOWNLOADS,
    )


def load() -> Reranker:
    """Load the reranker once per process, downloading it if need be. Raises ModelUnavailable."""
    weights = locate()
    if not weights.available:
        raise ModelUnavailable(weights.advice)
    try:
        weights = model_weights.fetch(weights)
    except (LookupError, TransientError) as exc:
        raise ModelUnavailable(str(exc)) from exc
    with _loading:
        return _loaded(weights)


_loading = threading.Lock()


@lru_cache(maxsize=1)
def _loaded(weights: Weights) -> Reranker:
    return Reranker(weights, threads=model_threads())
