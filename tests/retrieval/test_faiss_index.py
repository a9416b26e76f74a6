from pathlib import Path

import numpy as np
import pytest

from retrieval import faiss_index
from retrieval.faiss_index import IndexDamaged, IndexPlan, VectorIndex

TYPES = ("flat", "hnsw", "hnsw_sq8")
METRICS = ("cosine", "dot", "l2")


def unit_vectors(count: int, dimension: int = 16, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def build(kind: str, vectors: np.ndarray, metric: str = "cosine") -> VectorIndex:
    plan = IndexPlan(kind, m=16, ef_construction=80)
    index = VectorIndex.empty(plan, dimension=vectors.shape[1], metric=metric, full=vectors)
    index.add(vectors)
    return index


def by_hand(vectors: np.ndarray, query: np.ndarray, metric: str, allowed: np.ndarray) -> list[int]:
    scores = -((vectors - query) ** 2).sum(1) if metric == "l2" else vectors @ query
    return [int(row) for row in np.argsort(-scores, kind="stable") if allowed[row]]


@pytest.mark.parametrize(
    ("count", "kind"),
    [(0, "flat"), (49_999, "flat"), (50_000, "hnsw"), (1_999_999, "hnsw"), (2_000_000, "hnsw_sq8")],
)
def test_the_type_follows_the_size(count: int, kind: str) -> None:
    assert faiss_index.plan({"type": "auto"}, count).type == kind


def test_the_settings_may_name_the_type_and_its_parameters() -> None:
    plan = faiss_index.plan({"type": "hnsw", "M": 8, "ef_construction": 40, "ef_search": 16}, 3)
    assert plan == IndexPlan("hnsw", m=8, ef_construction=40, ef_search=16)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ValueError, match="'hsnw' is not known"):
        faiss_index.plan({"type": "hsnw"}, 3)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", TYPES)
def test_exact_search_orders_as_by_hand(kind: str, metric: str) -> None:
    vectors = unit_vectors(300) * np.linspace(0.5, 2, 300, dtype=np.float32)[:, None]
    query = unit_vectors(1, seed=7)[0]
    rows, scores = build(kind, vectors, metric).search(query, limit=10, exact=True)
    assert rows.tolist() == by_hand(vectors, query, metric, np.ones(300, bool))[:10]
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("kind", TYPES)
def test_a_filter_that_keeps_one_in_a_thousand_is_exact(kind: str) -> None:
    vectors = unit_vectors(5000)
    index = build(kind, vectors)
    rng = np.random.default_rng(1)
    for seed in range(20):
        allowed = np.zeros(5000, bool)
        allowed[rng.choice(5000, 5, replace=False)] = True
        query = unit_vectors(1, seed=seed)[0]
        rows, _ = index.search(query, limit=10, allowed=allowed)
        assert rows.tolist() == by_hand(vectors, query, "cosine", allowed)


@pytest.mark.parametrize("kind", ["hnsw", "hnsw_sq8"])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_a_graph_walk_finds_the_neighbours(monkeypatch, kind: str, share: float) -> None:
    monkeypatch.setattr(faiss_index, "SCAN_AT_MOST", 10)
    vectors = unit_vectors(5000)
    index = build(kind, vectors)
    allowed = np.random.default_rng(2).random(5000) < share
    hits = 0
    for seed in range(100, 150):
        query = unit_vectors(1, seed=seed)[0]
        rows, _ = index.search(query, limit=10, allowed=allowed)
        assert allowed[rows].all()
        hits += len(set(rows.tolist()) & set(by_hand(vectors, query, "cosine", allowed)[:10]))
    assert hits / 500 >= 0.95


@pytest.mark.parametrize("kind", TYPES)
def test_nothing_allowed_finds_nothing(kind: str) -> None:
    index = build(kind, unit_vectors(100))
    rows, scores = index.search(unit_vectors(1)[0], limit=5, allowed=np.zeros(100, bool))
    assert len(rows) == len(scores) == 0


def test_an_empty_index_finds_nothing() -> None:
    index = VectorIndex.empty(IndexPlan("flat"), dimension=4, metric="cosine")
    assert len(index.search(np.ones(4, np.float32), limit=5)[0]) == 0


@pytest.mark.parametrize("kind", TYPES)
def test_a_saved_index_comes_back(kind: str, tmp_path: Path) -> None:
    vectors, query = unit_vectors(200), unit_vectors(1, seed=3)[0]
    index = build(kind, vectors)
    index.save(tmp_path / "index")
    again = VectorIndex.load(tmp_path / "index", index.plan, metric="cosine", full=vectors)
    assert len(again) == 200
    assert again.search(query, limit=5)[0].tolist() == index.search(query, limit=5)[0].tolist()


def test_a_file_that_is_no_index_is_reported(tmp_path: Path) -> None:
    (tmp_path / "index").write_bytes(b"nonsense" * 10)
    with pytest.raises(IndexDamaged):
        VectorIndex.load(tmp_path / "index", IndexPlan("flat"), metric="cosine")
