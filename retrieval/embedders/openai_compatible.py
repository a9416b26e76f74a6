"""Texts as vectors, by a service that speaks OpenAI's `/v1/embeddings`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import inf
from typing import Any, ClassVar

import numpy as np

from ingestion.errors import PermanentError
from ingestion.weights import Kind, Weights
from retrieval.embedders import InputRefused, ModelAway, ModelUnavailable

# What has no key still wants the header.
NO_KEY = "none"
# A service that answered so short a while ago does not refuse everything.
PROVEN_SECONDS = 30.0


class OpenAICompatibleEmbedder:
    """Asks a service for vectors, a batch at a time.

    Options: `base_url` (such as "http://host:port/v1"), and where wanted `api_key`, `timeout`
    (seconds per request), `retries`, `batch_size` (texts per request), and `query_prefix` and
    `document_prefix`, which models that tell questions from passages ask for.
    """

    kind: ClassVar[Kind] = "remote"

    def __init__(
        self,
        weights: Weights,
        *,
        metric: str,
        base_url: str,
        api_key: str = "",
        timeout: float = 30.0,
        retries: int = 2,
        batch_size: int = 64,
        query_prefix: str = "",
        document_prefix: str = "",
    ) -> None:
        from openai import OpenAI

        self.model = weights.model
        self.metric = metric
        self._url = base_url
        self._answered_at = -inf
        self._batch_size = batch_size
        self._query_prefix, self._document_prefix = query_prefix, document_prefix
        self._client = OpenAI(
            base_url=base_url, api_key=api_key or NO_KEY, timeout=timeout, max_retries=retries
        )

    @classmethod
    def open(
        cls, weights: Weights, *, metric: str, threads: int, **options: Any
    ) -> OpenAICompatibleEmbedder:
        """Prepare to ask; nothing is asked yet. The threads are the service's own."""
        return cls(weights, metric=metric, **options)

    @classmethod
    def dimension_of(cls, weights: Weights) -> int:
        """Return 0: a service says its dimension with its first vector."""
        return 0

    @classmethod
    def located(cls, model: str, options: Mapping[str, Any]) -> Weights:
        """Say where the model is; nothing is asked of the service yet."""
        if url := str(options.get("base_url", "")):
            return Weights(model, cls.kind, available=True, path=url, source="remote")
        return Weights(model, cls.kind, advice="Set `base_url` in the space's options.")

    @cached_property
    def dimension(self) -> int:
        return self._probe().shape[1]

    def encode_texts(self, texts: Sequence[str], *, batch_size: int = 32) -> np.ndarray:
        """Encode passages: (n, dimension) float32.

        Raises ModelAway, ModelUnavailable, and InputRefused, as for a text that is too long.
        """
        return self._encode([self._document_prefix + text for text in texts])

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Encode questions: (n, dimension) float32. Raises as encode_texts does."""
        return self._encode([self._query_prefix + text for text in texts])

    def encode_images(self, images: Sequence[bytes], *, batch_size: int = 16) -> np.ndarray:
        """Refuse: the interface knows texts only."""
        raise PermanentError(f"{self.model} encodes text only, not images.")

    def _encode(self, texts: list[str]) -> np.ndarray:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        size = self._batch_size
        try:
            parts = [self._ask(texts[start : start + size]) for start in range(0, len(texts), size)]
        except InputRefused:
            if time.monotonic() - self._answered_at > PROVEN_SECONDS:
                self._probe()
            raise
        rows = np.concatenate(parts)
        if self.metric == "cosine":
            rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        return rows

    def _probe(self) -> np.ndarray:
        """Ask for one harmless word: a service that refuses that refuses everything."""
        try:
            return self._ask(["dimension"])
        except InputRefused as exc:
            raise ModelUnavailable(str(exc)) from exc

    def _ask(self, texts: list[str]) -> np.ndarray:
        """Return the vectors of one request, (n, dimension), in the order of the texts."""
        import openai

        try:
            answer = self._client.embeddings.create(
                model=self.model, input=texts, encoding_format="float"
            )
            rows = {entry.index: entry.embedding for entry in answer.data}
            vectors = np.array([rows[number] for number in range(len(texts))], dtype=np.float32)
        except openai.APITimeoutError as exc:
            raise ModelAway(f"{self._url} did not answer in time.") from exc
        except openai.APIConnectionError as exc:
            raise ModelAway(f"{self._url} cannot be reached.") from exc
        except openai.APIStatusError as exc:
            raise self._refusal(exc.status_code, exc.message) from exc
        except (openai.OpenAIError, AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ModelUnavailable(f"{self._url} gave no embeddings for {self.model}.") from exc
        if vectors.ndim != 2 or not vectors.shape[1]:
            raise ModelUnavailable(f"{self._url} gave empty embeddings for {self.model}.")
        self._answered_at = time.monotonic()
        return vectors

    def _refusal(self, status: int, message: str) -> ModelAway | ModelUnavailable | InputRefused:
        if status in (408, 409, 429) or status >= 500:
            return ModelAway(f"{self._url} is busy or broken now (HTTP {status}).")
        if status in (401, 403):
            return ModelUnavailable(f"{self._url} refused the key: set the space's `api_key`.")
        if status == 404:
            return ModelUnavailable(
                f"{self._url} knows no embeddings of {self.model}: check the URL, which mostly "
                "ends in /v1, and the model's name."
            )
        return InputRefused(f"{self._url} refused the request (HTTP {status}): {message[:300]}")
