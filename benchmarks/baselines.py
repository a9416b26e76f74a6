"""The naive pipelines that search is measured against: plain page text, and nothing clever.

`Naive`: windows of 200 words, all-MiniLM-L6-v2, cosine; a page is as good as its best window.
`BM25`: whole pages as bags of lower-case words (Robertson and Zaragoza, 2009; k1 1.2, b 0.75).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pymupdf

from retrieval.embedders import Embedder

WINDOW_WORDS = 200
K1, B = 1.2, 0.75

PageKey = tuple[str, int]


def page_texts(path: Path) -> dict[PageKey, str]:
    """Return the plain text layer of every page, by (file name, physical page from 1)."""
    with pymupdf.open(path) as document:
        return {(path.name, number): page.get_text() for number, page in enumerate(document, 1)}


class Naive:
    def __init__(self, pages: Mapping[PageKey, str], embedder: Embedder, cache: Path) -> None:
        windows = [(key, text) for key, page in pages.items() for text in _windows(page)]
        self._pages = [key for key, _ in windows]
        self._embedder = embedder
        self._vectors = self._encode([text for _, text in windows], cache)

    def rank(self, question: str, within: Sequence[str] | None) -> list[PageKey]:
        """Return pages, best first; `within` limits them to these files."""
        scores = self._vectors @ self._embedder.encode_queries([question])[0]
        best: dict[PageKey, float] = {}
        for key, score in zip(self._pages, scores.tolist(), strict=True):
            if within is None or key[0] in within:
                best[key] = max(score, best.get(key, -1.0))
        return sorted(best, key=lambda key: -best[key])

    def _encode(self, texts: list[str], cache: Path) -> np.ndarray:
        if cache.exists():
            vectors: np.ndarray = np.load(cache)
            if len(vectors) == len(texts):
                return vectors
        vectors = self._embedder.encode_texts(texts)
        np.save(cache, vectors)
        return vectors


def _windows(text: str) -> list[str]:
    words = text.split()
    return [
        " ".join(words[start : start + WINDOW_WORDS])
        for start in range(0, len(words), WINDOW_WORDS)
    ]


class BM25:
    def __init__(self, pages: Mapping[PageKey, str]) -> None:
        self._counts = {key: Counter(_words(text)) for key, text in pages.items()}

    def rank(self, question: str, within: Sequence[str] | None) -> list[PageKey]:
        """Return the pages that share a word with the question, best first."""
        pages = {k: c for k, c in self._counts.items() if within is None or k[0] in within}
        mean = sum(map(Counter.total, pages.values())) / max(1, len(pages)) or 1.0
        scores: dict[PageKey, float] = {}
        for word in set(_words(question)):
            holding = {key: counts[word] for key, counts in pages.items() if word in counts}
            rarity = math.log(1 + (len(pages) - len(holding) + 0.5) / (len(holding) + 0.5))
            for key, count in holding.items():
                length = K1 * (1 - B + B * pages[key].total() / mean)
                gain = rarity * count * (K1 + 1) / (count + length)
                scores[key] = scores.get(key, 0.0) + gain
        return sorted(scores, key=lambda key: -scores[key])


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
