"""Ask every source (the vector spaces and the keyword index) for its candidates."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.errors import PermanentError, TransientError
from retrieval import keywords, spaces, vector_search
from retrieval.candidates import Candidate, CandidateFilter, IndexNotReady
from retrieval.embedders import FALLBACK_PREFIX, ModelUnavailable, embedder_for, plan_for
from retrieval.models import SpaceVersion

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

KEYWORDS = "keywords"


@dataclass(slots=True)
class Gathered:
    """What the sources gave: rankings by source, versions asked, seconds, what went wrong."""

    rankings: dict[str, list[Candidate]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the seconds that the block takes to the stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            self.timings[stage] = self.timings.get(stage, 0.0) + spent


def gather(
    query: str, *, where: CandidateFilter, limit: int, weights: Mapping[str, float]
) -> Gathered:
    """Return up to `limit` candidates of each source whose weight is not 0.

    A source that cannot answer is missing from the rankings, and a note says why.
    """
    found = Gathered()
    vectors: dict[str, np.ndarray] = {}
    for name, version in spaces.live_versions().items():
        if weights.get(name, 1.0) == 0:
            continue
        try:
            found.rankings[name] = _ask(name, version, query, where, limit, vectors, found)
        except (ModelUnavailable, IndexNotReady, PermanentError, TransientError) as exc:
            found.notes.append(f"The {name} index was not searched: {exc}")
            continue
        found.versions[name] = version.number
    return found


def _ask(
    name: str,
    version: SpaceVersion,
    query: str,
    where: CandidateFilter,
    limit: int,
    vectors: dict[str, np.ndarray],
    found: Gathered,
) -> list[Candidate]:
    if name == KEYWORDS:
        with found.timed(name):
            candidates = keywords.search(query, limit=limit, where=where, version=version)
        if lag := keywords.lag(version):
            found.notes.append(lag)
        return candidates
    model = version.model.removeprefix(FALLBACK_PREFIX)
    if model not in vectors:
        with found.timed("encode"):
            vectors[model] = _encode(version, query)
    with found.timed(name):
        return vector_search.search(version, vectors[model], limit=limit, where=where)


def _encode(version: SpaceVersion, query: str) -> np.ndarray:
    if plan_for(version.space, version.model).weights.source == "hub":
        raise ModelUnavailable(f"{version.model} is still being downloaded.")
    return embedder_for(version.space, version.model).encode_queries([query])[0]
