import numpy as np
import pytest

from retrieval.similarity import similarities, top

DICE = np.random.default_rng(0)
VECTORS = DICE.standard_normal((50, 8)).astype(np.float32)
QUERY = DICE.standard_normal(8).astype(np.float32)


@pytest.mark.parametrize("block", [7, 50, 1000])
@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_all_are_scored_or_those_that_are_named(metric: str, block: int) -> None:
    by_hand = -((VECTORS - QUERY) ** 2).sum(1) if metric == "l2" else VECTORS @ QUERY
    assert np.allclose(similarities(QUERY, VECTORS, metric, block=block), by_hand, atol=1e-5)
    rows = np.array([3, 49, 0])
    some = similarities(QUERY, VECTORS, metric, rows, block=block)
    assert np.allclose(some, by_hand[rows], atol=1e-5)


def test_none_are_scored() -> None:
    assert similarities(QUERY, VECTORS[:0], "dot").shape == (0,)
    assert similarities(QUERY, VECTORS, "dot", np.empty(0, dtype=np.int64)).shape == (0,)


def test_the_best_come_first() -> None:
    assert top(np.array([1.0, 9.0, 5.0, 7.0]), 2).tolist() == [1, 3]
    assert top(np.array([1.0, 9.0]), 5).tolist() == [1, 0]
