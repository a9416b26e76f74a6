from pathlib import Path

import numpy as np
import pytest

from retrieval import faiss_index, index_plan
from retrieval.faiss_index import IndexDamaged, VectorIndex
from retrieval.index_plan import TYPES, IndexPlan

METRICS = ("cosine", "dot", "l2")


def unit_vectors(count: int, dimension: int = 16, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def clustered(count: int) -> np.ndarray:
    """Unit vectors as those of text are: in neighbourhoods, of which there are many."""
    vectors = unit_vectors(count // 50).repeat(50, axis=0) + 0.7 * unit_vectors(count, seed=1)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def build(kind: str, vectors: np.ndarray, metric: str = "cosine") -> VectorIndex:
    plan = index_plan.plan({"type": kind, "M": 16, "ef_construction": 80}, len(vectors))
    index = VectorIndex.empty(plan, dimension=vectors.shape[1], metric=metric, full=vectors)
    index.add(vectors)
    return index


def by_hand(vectors: np.ndarray, query: np.ndarray, metric: str, allowed: np.ndarray) -> list[int]:
    scores = -((vectors - query) ** 2).sum(1) if metric == "l2" else vectors @ query
    return [int(row) for row in np.argsort(-scores, kind="stable") if allowed[row]]


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


@pytest.mark.parametrize("kind", ["ivf_rabitq", "hnsw", "hnsw_sq8"])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_a_search_of_a_part_finds_the_neighbours(monkeypatch, kind: str, share: float) -> None:
    monkeypatch.setattr(faiss_index, "SCAN_AT_MOST", 10)
    vectors = clustered(5000)
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


@pytest.mark.parametrize("metric", METRICS)
def test_what_lists_find_carries_the_score_of_the_full_vectors(monkeypatch, metric: str) -> None:
    monkeypatch.setattr(faiss_index, "SCAN_AT_MOST", 10)
    vectors = clustered(3000) * np.linspace(0.7, 1.3, 3000, dtype=np.float32)[:, None]
    index = build("ivf_rabitq", vectors, metric)
    agreed = 0
    for query in vectors[::150] + 0.2 * unit_vectors(20, seed=7):
        rows, scores = index.search(query, limit=10)
        by_all = -((vectors - query) ** 2).sum(1) if metric == "l2" else vectors @ query
        assert np.allclose(scores, by_all[rows], atol=1e-5)
        agreed += len(set(rows) & set(by_hand(vectors, query, metric, np.ones(3000, bool))[:10]))
    assert agreed / 200 >= 0.9


def test_more_effort_visits_more_lists(monkeypatch) -> None:
    monkeypatch.setattr(faiss_index, "SCAN_AT_MOST", 10)
    vectors = unit_vectors(4000)
    index = VectorIndex.empty(
        IndexPlan("ivf_rabitq", lists=64, probes=2), dimension=16, metric="cosine", full=vectors
    )
    index.add(vectors)
    recall = {}
    for effort in (512, 4096):
        agreed = 0
        for seed in range(100, 120):
            query = unit_vectors(1, seed=seed)[0]
            exact = set(index.search(query, limit=10, exact=True)[0].tolist())
            agreed += len(exact & set(index.search(query, limit=10, ef_search=effort)[0].tolist()))
        recall[effort] = agreed / 200
    assert recall[512] < 0.8 < 0.9 < recall[4096]


def test_lists_are_the_same_however_often_they_are_drawn() -> None:
    vectors, query = unit_vectors(2000), unit_vectors(1, seed=5)[0]
    one, two = (build("ivf_rabitq", vectors).search(query, limit=20)[0] for _ in range(2))
    assert one.tolist() == two.tolist()


def test_training_lets_the_caller_in_between() -> None:
    calls: list[int] = []
    VectorIndex.empty(
        IndexPlan("ivf_rabitq", lists=4, probes=2),
        dimension=16,
        metric="cosine",
        full=unit_vectors(100),
        between=lambda: calls.append(1),
    )
    assert len(calls) == faiss_index.ROUNDS


def test_lists_can_start_empty_and_grow() -> None:
    plan = index_plan.plan({"type": "ivf_rabitq"}, 0)
    index = VectorIndex.empty(
        plan, dimension=16, metric="cosine", full=np.empty((0, 16), np.float32)
    )
    assert len(index.search(unit_vectors(1)[0], limit=5)[0]) == 0
