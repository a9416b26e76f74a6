"""FAISS: build, save, load and search one index. No other module imports it.

Flat is exact and scans all vectors; HNSW (Malkov and Yashunin, TPAMI 2020) walks a graph and
is approximate; quantised HNSW keeps one byte per dimension and re-scores what it finds from
the full vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.similarity import similarities, top

FLAT_BELOW = 50_000
QUANTISE_FROM = 2_000_000
# Scanning this many allowed vectors takes about 3 ms, and is exact where a graph walk that
# may return few of the nodes it visits is not.
SCAN_AT_MOST = 10_000
SCAN_BELOW_SHARE = 0.02
# A quantised search looks at this many times the wanted number before it re-scores.
RESCORE_FACTOR = 4
TRAINING_ROWS = 100_000
# With 64, HNSW finds only two thirds of the ten nearest among vectors as uneven as those of
# benchmarks/retrieval_speed.py; with this it finds 96 %, in 4 ms among 100,000.
DEFAULT_EF_SEARCH = 512


class IndexDamaged(Exception):
    """The file is not an index that FAISS can read."""


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """An index's type ("flat", "hnsw" or "hnsw_sq8") and parameters, as FAISS names them."""

    type: str
    m: int = 32
    ef_construction: int = 200
    ef_search: int = DEFAULT_EF_SEARCH

    @property
    def is_exact(self) -> bool:
        return self.type == "flat"

    @property
    def is_quantised(self) -> bool:
        return self.type == "hnsw_sq8"

    def bytes_per_vector(self, dimension: int) -> int:
        """Return the memory that one vector takes: its codes, and its links in the graph."""
        if self.is_exact:
            return 4 * dimension
        code = dimension if self.is_quantised else 4 * dimension
        return code + 8 * self.m + 16

    def as_dict(self) -> dict[str, Any]:
        return {"type": "flat"} if self.is_exact else asdict(self)


def plan(settings: Mapping[str, Any], count: int) -> IndexPlan:
    """Choose the index for `count` vectors: by its size, unless the settings name a type."""
    wanted = settings.get("type", "auto")
    if wanted == "auto":
        wanted = "flat" if count < FLAT_BELOW else "hnsw"
        wanted = "hnsw_sq8" if count >= QUANTISE_FROM else wanted
    if wanted not in ("flat", "hnsw", "hnsw_sq8"):
        raise ValueError(f"an index of type {wanted!r} is not known: flat, hnsw or hnsw_sq8")
    return IndexPlan(
        wanted,
        m=settings.get("M", 32),
        ef_construction=settings.get("ef_construction", 200),
        ef_search=settings.get("ef_search", DEFAULT_EF_SEARCH),
    )


class VectorIndex:
    """Vectors numbered from 0 in the order they were added. Searching is thread-safe.

    `full` holds the unquantised vectors, (n, dimension), where the index itself does not.
    """

    def __init__(
        self, index: Any, index_plan: IndexPlan, metric: str, full: np.ndarray | None
    ) -> None:
        self._index = index
        self.plan = index_plan
        self.metric = metric
        self._full = full

    @classmethod
    def empty(
        cls, index_plan: IndexPlan, *, dimension: int, metric: str, full: np.ndarray | None = None
    ) -> VectorIndex:
        """Start an index; a quantised one is trained on, and re-scores from, `full`."""
        faiss = _faiss()
        measure = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
        if index_plan.is_exact:
            return cls(faiss.IndexFlat(dimension, measure), index_plan, metric, None)
        if index_plan.type == "hnsw":
            index = faiss.IndexHNSWFlat(dimension, index_plan.m, measure)
        else:
            eight_bits = faiss.ScalarQuantizer.QT_8bit
            index = faiss.IndexHNSWSQ(dimension, eight_bits, index_plan.m, measure)
            assert full is not None
            step = max(1, len(full) // TRAINING_ROWS)
            index.train(np.ascontiguousarray(full[::step]))
        index.hnsw.efConstruction = index_plan.ef_construction
        return cls(index, index_plan, metric, full if index_plan.is_quantised else None)

    @classmethod
    def load(
        cls, path: Path, index_plan: IndexPlan, *, metric: str, full: np.ndarray | None = None
    ) -> VectorIndex:
        faiss = _faiss()
        try:
            return cls(faiss.read_index(str(path)), index_plan, metric, full)
        except RuntimeError as exc:
            raise IndexDamaged(f"{path.name} cannot be read as an index") from exc

    def __len__(self) -> int:
        return self._index.ntotal

    @property
    def dimension(self) -> int:
        return self._index.d

    @property
    def bytes_per_vector(self) -> int:
        """Memory that one vector takes: its codes, and its links in the graph."""
        return self.plan.bytes_per_vector(self.dimension)

    @property
    def keeps_full_vectors(self) -> bool:
        """True where a file with the unquantised vectors must lie beside the index."""
        return self.plan.is_quantised

    def search_with(self, ef_search: int) -> None:
        """Visit so many nodes per query from now on; the graph itself does not depend on it."""
        if not self.plan.is_exact:
            self.plan = replace(self.plan, ef_search=ef_search)

    def add(self, vectors: np.ndarray) -> None:
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def save(self, path: Path) -> None:
        faiss = _faiss()
        faiss.write_index(self._index, str(path))

    def search(
        self,
        query: np.ndarray,
        *,
        limit: int,
        allowed: np.ndarray | None = None,
        ef_search: int | None = None,
        exact: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers and scores of the best allowed rows, best first.

        `query` is (dimension,) float32; `allowed` is a boolean mask over the rows. Scores are
        inner products, or negated squared distances for L2. A filter that leaves few rows
        is answered by a scan, exactly.
        """
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        limit = min(limit, count)
        if limit <= 0:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
        if exact or self.plan.is_exact or count <= max(SCAN_AT_MOST, SCAN_BELOW_SHARE * len(self)):
            return self._scan(query, limit, allowed)
        ef = max(ef_search or self.plan.ef_search, limit) * sqrt(len(self) / count)
        rows, scores = self._walk(query, limit, allowed, int(ef))
        if len(rows) < limit:
            return self._scan(query, limit, allowed)
        return rows, scores

    def _scan(
        self, query: np.ndarray, limit: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        faiss = _faiss()
        if self._full is not None:
            rows = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
            return self._rescore(query, rows, limit)
        flat = self._index if self.plan.is_exact else faiss.downcast_index(self._index.storage)
        selector, _bits = _selector(allowed)
        parameters = faiss.SearchParameters(sel=selector)
        with _one_thread():
            scores, rows = flat.search(query[None, :], limit, params=parameters)
        return self._best(rows[0], scores[0])

    def _walk(
        self, query: np.ndarray, limit: int, allowed: np.ndarray | None, ef_search: int
    ) -> tuple[np.ndarray, np.ndarray]:
        faiss = _faiss()
        selector, _bits = _selector(allowed)
        wanted = limit if self._full is None else min(limit * RESCORE_FACTOR, len(self))
        parameters = faiss.SearchParametersHNSW(efSearch=max(ef_search, wanted), sel=selector)
        with _one_thread():
            scores, rows = self._index.search(query[None, :], wanted, params=parameters)
        if self._full is not None:
            return self._rescore(query, rows[0][rows[0] >= 0], limit)
        return self._best(rows[0], scores[0])

    def _best(self, rows: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = rows >= 0  # FAISS fills up with -1 where it found too few.
        return rows[found], -scores[found] if self.metric == "l2" else scores[found]

    def _rescore(
        self, query: np.ndarray, rows: np.ndarray, limit: int
    ) -> tuple[np.ndarray, np.ndarray]:
        assert self._full is not None
        scores = similarities(query, self._full, self.metric, rows)
        best = top(scores, limit)
        return rows[best], scores[best]


def _selector(allowed: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
    """Return the selector, and the bits that it points into and that must outlive it."""
    if allowed is None:
        return None, None
    bits = np.packbits(allowed, bitorder="little")
    return _faiss().IDSelectorBitmap(len(allowed), _faiss().swig_ptr(bits)), bits


@contextmanager
def _one_thread() -> Iterator[None]:
    """Search without a team of threads, in this thread only.

    FAISS shares queries among threads, and there is one: on a busy machine, waiting for a team
    that has nothing to do took a hundred times as long as the search.
    """
    faiss = _faiss()
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _faiss() -> Any:
    # Imported where it is needed, so that processes that never search start fast; untyped,
    # because its own type hints miss what its Python wrappers add.
    import faiss

    return faiss
