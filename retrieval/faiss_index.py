"""FAISS: build, save, load and search one index. No other module imports it.

Flat is exact and scans all vectors. IVF with RaBitQ codes (Gao and Long, SIGMOD 2024) sorts the
vectors into lists around centres, keeps one bit per dimension, scans the lists nearest to the
query and re-scores what looks best from the full vectors. HNSW (Malkov and Yashunin, TPAMI
2020) walks a graph; quantised HNSW keeps one byte per dimension and re-scores likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.index_plan import IndexPlan
from retrieval.similarity import similarities, top

# Scanning this many allowed vectors takes a few ms, and is exact where a search that visits
# only a part may meet few of them.
SCAN_AT_MOST = 10_000
# For graphs, whose walk visits what a filter hides as well.
SCAN_BELOW_SHARE = 0.02
# Rather than picking more than this share of the vectors one by one, all are scored.
SCORE_ALL_FROM_SHARE = 0.1
# A quantised graph search looks at this many times the wanted number before it re-scores.
RESCORE_FACTOR = 4
TRAINING_ROWS = 100_000
# Centres are the k-means of so many vectors for each, after so many rounds.
SAMPLE_PER_LIST = 40
ROUNDS = 8


class IndexDamaged(Exception):
    """The file is not an index that FAISS can read."""


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
        # As a plain array: picking rows out of a memory map's own class takes twice as long.
        self._full = None if full is None else np.asarray(full)

    @classmethod
    def empty(
        cls,
        index_plan: IndexPlan,
        *,
        dimension: int,
        metric: str,
        full: np.ndarray | None = None,
        between: Callable[[], None] = lambda: None,
    ) -> VectorIndex:
        """Start an index; a quantised one is trained on, and re-scores from, `full`.

        Training takes up to minutes; `between` is called every few seconds.
        """
        faiss = _faiss()
        measure = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
        if index_plan.is_exact:
            return cls(faiss.IndexFlat(dimension, measure), index_plan, metric, None)
        if not index_plan.is_quantised:
            index = faiss.IndexHNSWFlat(dimension, index_plan.m, measure)
            index.hnsw.efConstruction = index_plan.ef_construction
            return cls(index, index_plan, metric, None)
        assert full is not None
        train = _quantised_graph if index_plan.is_graph else _lists
        return cls(train(full, index_plan, measure, between), index_plan, metric, full)

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
    def bytes_per_vector(self) -> float:
        """Memory that one vector takes: its code, and what leads to it."""
        return self.plan.bytes_per_vector(self.dimension, len(self))

    @property
    def keeps_full_vectors(self) -> bool:
        """True where a file with the unquantised vectors must lie beside the index."""
        return self.plan.is_quantised

    def search_as(self, wanted: IndexPlan) -> None:
        """Go as far as this plan says from now on; the index itself does not depend on it."""
        if self.plan.type == wanted.type:
            probes = min(wanted.probes, self.plan.lists)
            self.plan = replace(self.plan, ef_search=wanted.ef_search, probes=probes)

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
        if exact or self.plan.is_exact or count <= self._scan_at_most:
            return self._scan(query, limit, allowed)
        effort = max(ef_search or self.plan.ef_search, limit)
        visit = self._walk if self.plan.is_graph else self._visit_lists
        rows, scores = visit(query, limit, allowed, effort, count / len(self))
        if len(rows) < limit:
            return self._scan(query, limit, allowed)
        return rows, scores

    @property
    def _scan_at_most(self) -> float:
        return max(SCAN_AT_MOST, SCAN_BELOW_SHARE * len(self) if self.plan.is_graph else 0)

    def _scan(
        self, query: np.ndarray, limit: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if self._full is not None:
            return self._scan_full(query, limit, allowed)
        is_flat = self.plan.is_exact
        flat = self._index if is_flat else _faiss().downcast_index(self._index.storage)
        return self._best(*_found(flat, query, limit, allowed, "SearchParameters"))

    def _scan_full(
        self, query: np.ndarray, limit: int, allowed: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        assert self._full is not None
        if allowed is not None:
            rows = np.flatnonzero(allowed)
            if len(rows) < SCORE_ALL_FROM_SHARE * len(self):
                return self._rescore(query, rows, limit)
        scores = similarities(query, self._full, self.metric)
        if allowed is not None:
            scores[~allowed] = -np.inf
        best = top(scores, limit)
        return best, scores[best]

    def _walk(
        self,
        query: np.ndarray,
        limit: int,
        allowed: np.ndarray | None,
        effort: int,
        share: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        wanted = limit if self._full is None else min(limit * RESCORE_FACTOR, len(self))
        far = {"efSearch": max(int(effort / sqrt(share)), wanted)}
        found = _found(self._index, query, wanted, allowed, "SearchParametersHNSW", **far)
        rows, scores = self._best(*found)
        return (rows, scores) if self._full is None else self._rescore(query, rows, limit)

    def _visit_lists(
        self,
        query: np.ndarray,
        limit: int,
        allowed: np.ndarray | None,
        effort: int,
        share: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        far = {"nprobe": self.plan.probes_for(effort, share)}
        wanted = min(effort, len(self))
        found = _found(self._index, query, wanted, allowed, "SearchParametersIVF", **far)
        rows, _ = self._best(*found)
        # In the order in which they lie in memory.
        return self._rescore(query, np.sort(rows), limit)

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


def _quantised_graph(
    full: np.ndarray, plan: IndexPlan, measure: int, between: Callable[[], None]
) -> Any:
    faiss = _faiss()
    eight_bits = faiss.ScalarQuantizer.QT_8bit
    index = faiss.IndexHNSWSQ(full.shape[1], eight_bits, plan.m, measure)
    index.hnsw.efConstruction = plan.ef_construction
    index.train(_sample(full, TRAINING_ROWS))
    between()
    return index


def _lists(full: np.ndarray, plan: IndexPlan, measure: int, between: Callable[[], None]) -> Any:
    """Start lists around the centres of what there is."""
    faiss = _faiss()
    dimension = full.shape[1]
    directions = measure == faiss.METRIC_INNER_PRODUCT
    centres = _centres(full, plan.lists, directions, between)
    quantizer = faiss.IndexFlat(dimension, measure)
    quantizer.add(centres)
    index = faiss.IndexIVFRaBitQFastScan(quantizer, dimension, plan.lists, measure)
    # The codes themselves learn nothing; this only marks it as ready.
    index.train(centres)
    index.referenced_objects = [quantizer]
    return index


def _centres(
    full: np.ndarray, lists: int, directions: bool, between: Callable[[], None]
) -> np.ndarray:
    """Return the k-means of a sample: (lists, dimension); of length 1 where directions count."""
    sample = _sample(full, lists * SAMPLE_PER_LIST)
    if not len(sample):
        return np.zeros((lists, full.shape[1]), dtype=np.float32)
    centres = None
    for _ in range(ROUNDS):
        # Round by round, since nothing else can be done while FAISS runs several.
        means = _faiss().Kmeans(
            full.shape[1],
            lists,
            niter=1,
            spherical=directions,
            min_points_per_centroid=1,
            max_points_per_centroid=len(sample),
        )
        means.train(sample, init_centroids=centres)
        centres = means.centroids
        between()
    return np.asarray(centres)


def _sample(full: np.ndarray, size: int) -> np.ndarray:
    """Return so many of the vectors, drawn by lot, or all."""
    if len(full) <= size:
        return np.ascontiguousarray(full)
    rows = np.random.default_rng(1).choice(len(full), size, replace=False)
    return np.ascontiguousarray(full[np.sort(rows)])


def _found(
    index: Any,
    query: np.ndarray,
    wanted: int,
    allowed: np.ndarray | None,
    parameters: str,
    **far: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Search one of FAISS's indexes; return rows and scores as FAISS gives them."""
    faiss = _faiss()
    selector, _bits = _selector(allowed)
    given = getattr(faiss, parameters)(sel=selector, **far)
    with _one_thread():
        scores, rows = index.search(query[None, :], wanted, params=given)
    return rows[0], scores[0]


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
