"""Search one space version by a vector."""

from __future__ import annotations

import numpy as np

from retrieval import space_reader, vectors
from retrieval.candidates import Candidate, CandidateFilter
from retrieval.models import SpaceVersion


def search(
    version: SpaceVersion,
    vector: np.ndarray,
    *,
    limit: int,
    where: CandidateFilter,
    ef_search: int | None = None,
    exact: bool = False,
) -> list[Candidate]:
    """Return the nearest chunks that the filter lets through, best first.

    Everything up to `version.revision` is found, so read the version from the database for
    each search. `vector` is (dimension,). Scores are cosine or inner product, or the negated
    squared distance for L2. Raises PermanentError for a vector of the wrong size.
    """
    if where.finds_nothing or version.dimension == 0:
        return []  # The dimension is not known before the first vector is made.
    query = vectors.checked(np.asarray(vector).reshape(1, -1), version)[0]
    state = space_reader.reader_of(version).current(version)
    return state.search(query, limit=limit, where=where, ef_search=ef_search, exact=exact)
