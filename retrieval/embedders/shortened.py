"""Cut the vectors of a Matryoshka model to their first dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ingestion.errors import PermanentError
from ingestion.weights import Kind

if TYPE_CHECKING:
    from retrieval.embedders import Embedder


class Shortened:
    """An embedder whose vectors are cut to `dimension`, and normalised anew for cosine.

    Source: Kusupati et al., "Matryoshka Representation Learning", NeurIPS 2022.
    """

    kind: ClassVar[Kind]

    def __init__(self, embedder: Embedder, dimension: int) -> None:
        self._embedder = embedder
        self.model, self.metric, self.dimension = embedder.model, embedder.metric, dimension

    def encode_texts(self, texts: Sequence[str], *, batch_size: int = 32) -> np.ndarray:
        return self._cut(self._embedder.encode_texts(texts, batch_size=batch_size))

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        return self._cut(self._embedder.encode_queries(texts))

    def encode_images(self, images: Sequence[bytes], *, batch_size: int = 16) -> np.ndarray:
        return self._cut(self._embedder.encode_images(images, batch_size=batch_size))

    def _cut(self, vectors: np.ndarray) -> np.ndarray:
        if vectors.shape[1] < self.dimension:
            raise PermanentError(
                f"{self.model} makes vectors of {vectors.shape[1]} dimensions, which cannot be "
                f"cut to {self.dimension}."
            )
        cut = np.ascontiguousarray(vectors[:, : self.dimension])
        if self.metric == "cosine":
            cut /= np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), 1e-12)
        return cut
