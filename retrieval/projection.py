"""Lay vectors out on a plane. The only importer of umap."""

from __future__ import annotations

import importlib.util

import numpy as np

# Below this many points a neighbourhood graph says nothing that PCA does not.
FEWEST = 16


def projected(vectors: np.ndarray) -> tuple[np.ndarray, str]:
    """Return (n, 2) coordinates from 0 to 1, and the name of the method: UMAP or PCA.

    UMAP (McInnes, Healy and Melville, 2018) where umap-learn is installed, else the two
    principal components.
    """
    if len(vectors) >= FEWEST and importlib.util.find_spec("umap") is not None:
        return _scaled(_umap(vectors)), "UMAP"
    return _scaled(_pca(vectors)), "PCA"


def _umap(vectors: np.ndarray) -> np.ndarray:
    import umap

    return np.asarray(umap.UMAP(n_components=2, random_state=1, n_jobs=1).fit_transform(vectors))


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
