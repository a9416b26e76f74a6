"""Lay vectors out on a plane. The only importer of umap.

UMAP compiles itself at every start, which takes half a minute and 350 MB: it runs in a process
of its own (`python -m retrieval.projection`, vectors in, coordinates out, as NumPy's .npy).
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import subprocess
import sys
import time
from hashlib import blake2b
from pathlib import Path

import numpy as np
from django.core.cache import cache
from redis import RedisError

logger = logging.getLogger(__name__)

# Below this many points a neighbourhood graph says nothing that PCA does not.
FEWEST = 16
SECONDS = 300
# How often to look for a map that another request makes.
LOOK_SECONDS = 1
KEPT_SECONDS = 24 * 3600
BELOW_OTHER_WORK = 10


def has_umap() -> bool:
    return importlib.util.find_spec("umap") is not None


def projected(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    """Return (n, 2) coordinates from 0 to 1, and the name of the method: UMAP or PCA.

    UMAP (McInnes, Healy and Melville, 2018) where umap-learn is installed, else the two
    principal components. It may take a minute; what came out is kept for a day.
    """
    if len(vectors) < FEWEST or not has_umap():
        return _scaled(_pca(vectors)), "PCA"
    key = f"projection:{blake2b(vectors.tobytes(), digest_size=16).hexdigest()}"
    places = _kept(key)
    if places is None:
        places = _made_once(key, vectors)
    return (_scaled(_pca(vectors)), "PCA") if places is None else (_scaled(places), "UMAP")


def _made_once(key: str, vectors: np.ndarray) -> np.ndarray | None:
    """Make the map, or wait for it where another request is just making it."""
    busy = f"{key}:busy"
    try:
        if not cache.add(busy, 1, SECONDS):
            return _awaited(key, busy)
    except RedisError:
        return _umap(vectors)
    try:
        places = _umap(vectors)
        _keep(key, places)
    finally:
        with contextlib.suppress(RedisError):
            cache.delete(busy)
    return places


def _awaited(key: str, busy: str) -> np.ndarray | None:
    deadline = time.monotonic() + SECONDS
    while cache.get(busy) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
    return _kept(key)


def _kept(key: str) -> np.ndarray | None:
    try:
        found: np.ndarray | None = cache.get(key)
    except RedisError:
        return None
    return found


def _keep(key: str, places: np.ndarray | None) -> None:
    try:
        if places is not None:
            cache.set(key, places, KEPT_SECONDS)
    except RedisError as exc:
        logger.info("A map of vectors is not kept: %s", exc)


def _umap(vectors: np.ndarray) -> np.ndarray | None:
    """Run this module as a program; None, and a line in the log, where it fails."""
    given = io.BytesIO()
    np.save(given, vectors, allow_pickle=False)
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            cwd=Path(__file__).resolve().parents[1],
            input=given.getvalue(),
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
        return np.asarray(np.load(io.BytesIO(done.stdout), allow_pickle=False))
    except (subprocess.SubprocessError, OSError, ValueError) as exc:
        logger.warning("UMAP made no map of %d vectors: %s", len(vectors), exc)
        return None


def _pca(vectors: np.ndarray) -> np.ndarray:
    if len(vectors) < 2 or vectors.shape[1] < 2:
        return np.zeros((len(vectors), 2))
    centred = vectors - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    places = centred @ axes[:2].T
    return places if places.shape[1] == 2 else np.pad(places, ((0, 0), (0, 1)))


def _scaled(places: np.ndarray) -> np.ndarray:
    if not len(places):
        return places
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - low) / np.where(high > low, high - low, 1)


def _main() -> None:
    import umap

    os.nice(BELOW_OTHER_WORK)
    vectors = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    places = umap.UMAP(n_components=2, random_state=1, n_jobs=1).fit_transform(vectors)
    np.save(sys.stdout.buffer, np.asarray(places), allow_pickle=False)


if __name__ == "__main__":
    _main()
