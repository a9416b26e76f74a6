"""Fusion against independent implementations: qdrant-client's in-memory mode, scikit-learn."""

import random

import numpy as np
import pytest
from qdrant_client import QdrantClient, models
from qdrant_client.hybrid.fusion import distribution_based_score_fusion, reciprocal_rank_fusion
from sklearn.preprocessing import minmax_scale

from retrieval import fusion


def lists(seed: int) -> dict[str, list[tuple[int, float]]]:
    dice = random.Random(seed)
    found = {}
    for name in ("text", "image", "keywords")[: dice.randint(1, 3)]:
        items = dice.sample(range(40), dice.randint(1, 25))
        scores = sorted((round(dice.gauss(0, 3), 2) for _ in items), reverse=True)
        found[name] = list(zip(items, scores, strict=True))
    return found


def points(ranking):
    return [models.ScoredPoint(id=item, version=0, score=score) for item, score in ranking]


def as_dict(ranking):
    return {item: pytest.approx(score, abs=1e-9) for item, score in ranking}


@pytest.mark.parametrize("seed", range(40))
def test_rrf_as_qdrant_has_it(seed):
    rankings = lists(seed)
    k = random.Random(seed).choice([1, 10, 60])
    # Qdrant counts ranks from 0, so that its constant is one larger than the paper's.
    theirs = reciprocal_rank_fusion([points(r) for r in rankings.values()], 1000, k + 1)
    assert dict(fusion.rrf(rankings, k=k)) == as_dict((p.id, p.score) for p in theirs)


@pytest.mark.parametrize("seed", range(40))
def test_dbsf_as_qdrant_has_it(seed):
    rankings = lists(seed)
    theirs = distribution_based_score_fusion([points(r) for r in rankings.values()], 1000)
    assert dict(fusion.dbsf(rankings)) == as_dict((p.id, p.score) for p in theirs)


@pytest.mark.parametrize("seed", range(20))
def test_weighted_min_max_as_scikit_learn_scales(seed):
    rankings = lists(seed)
    weights = {name: random.Random(seed).random() for name in rankings}
    expected: dict[int, float] = {}
    for name, ranking in rankings.items():
        items, scores = zip(*ranking, strict=True)
        scaled = minmax_scale(scores) if len(set(scores)) > 1 else np.ones(len(scores))
        for item, score in zip(items, scaled, strict=True):
            expected[item] = expected.get(item, 0.0) + weights[name] * score
    assert dict(fusion.weighted(rankings, weights=weights)) == as_dict(expected.items())


@pytest.mark.parametrize("method", ["rrf", "dbsf"])
def test_a_whole_search_of_two_vectors_as_qdrant_answers_it(method):
    dice = np.random.default_rng(5)
    spaces = {name: dice.standard_normal((200, 8)).astype(np.float32) for name in ("a", "b")}
    for vectors in spaces.values():
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    query = {name: vectors[3] for name, vectors in spaces.items()}
    client = QdrantClient(":memory:")
    size = models.VectorParams(size=8, distance=models.Distance.COSINE)
    client.create_collection("c", vectors_config={"a": size, "b": size})
    client.upsert(
        "c",
        [
            models.PointStruct(id=n, vector={s: v[n].tolist() for s, v in spaces.items()})
            for n in range(200)
        ],
    )
    chosen = (
        models.RrfQuery(rrf=models.Rrf(k=61))
        if method == "rrf"
        else models.FusionQuery(fusion=models.Fusion.DBSF)
    )
    prefetch = [models.Prefetch(query=query[s].tolist(), using=s, limit=30) for s in spaces]
    theirs = client.query_points("c", query=chosen, prefetch=prefetch, limit=100).points
    rankings = {}
    for space, vectors in spaces.items():
        scores = vectors @ query[space]
        best = np.argsort(-scores)[:30]
        rankings[space] = [(int(n), float(scores[n])) for n in best]
    ours = fusion.merge(rankings, method, k=60)
    assert dict(ours) == {p.id: pytest.approx(p.score, abs=1e-4) for p in theirs}
