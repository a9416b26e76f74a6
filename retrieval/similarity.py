"""Exact similarity of one query to some vectors, without an index."""

from __future__ import annotations

import numpy as np


def similarities(
    query: np.ndarray, vectors: np.ndarray, metric: str, rows: np.ndarray, *, block: int = 16_384
) -> np.ndarray:
    """Score the given rows of (n, dimension) vectors, in memory bounded by the block."""
    scores = np.empty(len(rows), dtype=np.float32)
    for start in range(0, len(rows), block):
        some = slice(start, start + block)
        taken = vectors[rows[some]]
        if metric == "l2":
            scores[some] = -((taken - query) ** 2).sum(axis=1)
        else:
            scores[some] = taken @ query
    return scores


def top(scores: np.ndarray, limit: int) -> np.ndarray:
    """Return the positions of the `limit` highest scores, highest first."""
    if limit < len(scores):
        best = np.argpartition(scores, -limit)[-limit:]
    else:
        best = np.arange(len(scores))
    return best[np.argsort(-scores[best], kind="stable")]
