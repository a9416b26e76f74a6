import subprocess
import threading

import numpy as np
import pytest

from retrieval import projection
from retrieval.projection import projected


@pytest.fixture
def two_groups():
    dice = np.random.default_rng(5)
    middles = np.repeat(np.eye(2, 8, dtype=np.float32) * 10, 20, axis=0)
    return middles + dice.normal(size=(40, 8)).astype(np.float32) * 0.1


def apart(places):
    """How much further the groups are from each other than their members."""
    one, other = places[:20], places[20:]
    between = np.linalg.norm(one.mean(axis=0) - other.mean(axis=0))
    return between / max(one.std(axis=0).max(), other.std(axis=0).max())


def test_few_vectors_are_laid_out_by_their_principal_components(two_groups):
    places, method = projected(two_groups[15:25])
    assert method == "PCA"
    assert places.shape == (10, 2)
    assert (places.min(), places.max()) == (0, 1)


@pytest.mark.once
@pytest.mark.skipif(not projection.has_umap(), reason="umap-learn is not installed")
def test_umap_runs_in_a_process_of_its_own_and_its_map_is_kept(
    two_groups, redis_cache, monkeypatch
):
    # Compiling itself is all that takes the library long on so few points.
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    places, method = projected(two_groups)
    assert method == "UMAP"
    assert places.shape == (40, 2)
    assert apart(places) > 3
    monkeypatch.setattr(subprocess, "run", None)
    assert np.array_equal(projected(two_groups)[0], places)


@pytest.mark.parametrize("method", ["UMAP", "PCA"])
def test_a_map_is_made_once_for_all_who_ask_at_the_same_time(
    two_groups, redis_cache, monkeypatch, method
):
    makes, waits, made = threading.Event(), threading.Event(), []

    def slow(vectors):
        made.append(len(vectors))
        makes.set()
        waits.wait(10)
        return vectors[:, :2] if method == "UMAP" else None

    def until_made(seconds):
        waits.set()
        first.join()

    monkeypatch.setattr(projection, "has_umap", lambda: True)
    monkeypatch.setattr(projection, "_umap", slow)
    first = threading.Thread(target=projected, args=(two_groups,))
    monkeypatch.setattr(projection.time, "sleep", until_made)
    first.start()
    makes.wait(10)
    assert projected(two_groups)[1] == method
    assert made == [40]


def test_a_map_that_fails_is_laid_out_otherwise_and_said_in_the_log(
    two_groups, redis_cache, monkeypatch, caplog
):
    monkeypatch.setattr(projection, "has_umap", lambda: True)
    monkeypatch.setattr(projection, "SECONDS", 0.001)
    places, method = projected(two_groups)
    assert method == "PCA"
    assert apart(places) > 3
    assert "UMAP made no map of 40 vectors" in caplog.text
