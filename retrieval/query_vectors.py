"""Encode queries, all of a batch together: texts, pictures, and chunks that are there already."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ingestion.errors import PermanentError
from retrieval import caching, vectors
from retrieval.embedders import (
    Embedder,
    ModelUnavailable,
    embedder_for,
    plan_for,
)
from retrieval.models import Embedding, SpaceInput, SpaceVersion
from retrieval.request import Query


class CannotAsk(PermanentError):
    """The space's model cannot encode this query; the message says why, in a sentence."""


class QueryVectors:
    """The vectors of some queries in the spaces that they are asked in, made when needed."""

    def __init__(self, queries: Sequence[Query], *, use_cache: bool = True) -> None:
        self._queries = queries
        self._use_cache = use_cache
        self._texts: dict[Embedder, dict[str, np.ndarray]] = {}
        self._images: dict[int, dict[bytes, np.ndarray]] = {}
        self.seconds = 0.0

    def of(self, number: int, version: SpaceVersion) -> tuple[np.ndarray, str]:
        """Return the vector of a query, (dimension,), and a sentence about what it leaves out.

        Raises CannotAsk, ModelUnavailable, or PermanentError for a picture that is damaged.
        """
        start = time.perf_counter()
        try:
            return self._of(self._queries[number], version)
        finally:
            self.seconds += time.perf_counter() - start

    def _of(self, query: Query, version: SpaceVersion) -> tuple[np.ndarray, str]:
        parts: list[tuple[float, np.ndarray]] = []
        left_out = ""
        if query.has_picture:
            try:
                parts.append((query.image_weight, self._picture(query, version)))
            except CannotAsk as exc:
                if not query.text.strip():
                    raise
                left_out = f"The {version.space} index was searched by the text alone: {exc}"
        if query.text.strip():
            parts.append((query.text_weight, self._text(query.text, version)))
        return _weighted_mean(parts), left_out

    def _text(self, text: str, version: SpaceVersion) -> np.ndarray:
        # Spaces that one model fills share its vectors of the queries.
        embedder = _embedder(version)
        if embedder not in self._texts:
            texts = list(dict.fromkeys(q.text for q in self._queries if q.text.strip()))
            self._texts[embedder] = self._encoded(texts, embedder, version)
        return self._texts[embedder][text]

    def _encoded(
        self, texts: Sequence[str], embedder: Embedder, version: SpaceVersion
    ) -> dict[str, np.ndarray]:
        known = caching.query_vectors(version, texts) if self._use_cache else {}
        new = [text for text in texts if text not in known]
        if not new:
            return known
        rows = vectors.checked(embedder.encode_queries(new), version)
        made = dict(zip(new, rows, strict=True))
        if self._use_cache:
            caching.keep_query_vectors(version, made)
        return known | made

    def _picture(self, query: Query, version: SpaceVersion) -> np.ndarray:
        if query.like is not None:
            return _stored(query.like, version)
        assert query.image is not None
        if version.input != SpaceInput.IMAGE:
            raise CannotAsk(
                f"{version.model} encodes text only, so a picture cannot be looked up in it."
            )
        if version.pk not in self._images:
            images = list(dict.fromkeys(q.image for q in self._queries if q.image is not None))
            encoded = _embedder(version).encode_images(images)
            checked = vectors.checked(encoded, version)
            self._images[version.pk] = dict(zip(images, checked, strict=True))
        return self._images[version.pk][query.image]


def _embedder(version: SpaceVersion) -> Embedder:
    if plan_for(version.space, version.model).weights.source == "hub":
        raise ModelUnavailable(f"{version.model} is still being downloaded.")
    return embedder_for(version.space, version.model)


def _stored(chunk_id: int, version: SpaceVersion) -> np.ndarray:
    rows = Embedding.objects.filter(chunk=chunk_id, space_version=version)
    blob = rows.values_list("vector", flat=True).first()
    if blob is None:
        raise CannotAsk("the chosen passage or figure has no vector in it.")
    return vectors.unpack([bytes(blob)], version.dimension)[0]


def _weighted_mean(parts: Sequence[tuple[float, np.ndarray]]) -> np.ndarray:
    total = sum(weight for weight, _ in parts)
    if total <= 0:
        raise CannotAsk("the weights of the text and of the picture are both 0.")
    return np.sum([weight / total * vector for weight, vector in parts], axis=0)
