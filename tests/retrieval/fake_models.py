"""Embedders whose vectors can be read: one axis per fruit, how often it is named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from ingestion.errors import PermanentError
from ingestion.weights import Kind, Weights

FRUITS = ("apple", "pear", "plum", "cherry")


class FruitEmbedder:
    """Counts fruits in a text, or in an "image" that is a text file."""

    # The kind whose weights may be one file of any content.
    kind: ClassVar[Kind] = "open_clip"
    encoded: ClassVar[list[str]] = []

    def __init__(self, weights: Weights, *, metric: str, threads: int) -> None:
        self.model, self.metric, self.dimension = weights.model, metric, len(FRUITS)

    @classmethod
    def open(cls, weights: Weights, *, metric: str, threads: int) -> Self:
        return cls(weights, metric=metric, threads=threads)

    @classmethod
    def dimension_of(cls, weights: Weights) -> int:
        return len(FRUITS)

    def encode_texts(self, texts: Sequence[str], *, batch_size: int = 32) -> np.ndarray:
        self.encoded.extend(texts)
        return self.encode_queries(texts)

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        counts = [[text.lower().count(fruit) for fruit in FRUITS] for text in texts]
        return np.array(counts, dtype=np.float32).reshape(-1, len(FRUITS))

    def encode_images(self, images: Sequence[bytes], *, batch_size: int = 16) -> np.ndarray:
        raise PermanentError(f"{self.model} encodes text only, not images.")


class FruitPictureEmbedder(FruitEmbedder):
    def encode_images(self, images: Sequence[bytes], *, batch_size: int = 16) -> np.ndarray:
        return self.encode_texts([data.decode() for data in images])
