"""Keep answers to searches, and vectors of queries, in the cache for a while.

A key holds everything that an answer follows from: the query, the request, what the person may
see, and each live version with its revision. Whatever is published, deleted or switched gives
other keys, so nothing stale is found. A cache that is away only costs time.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from django.conf import settings
from django.core.cache import cache
from redis import RedisError

from retrieval import keywords, vectors
from retrieval import rerank as reranking
from retrieval.candidates import CandidateFilter
from retrieval.fusion import Ranking
from retrieval.models import SpaceVersion
from retrieval.request import Query, SearchRequest

logger = logging.getLogger(__name__)

# Raise it when what is stored, or how a search works, changes.
FORMAT = 3


@dataclass(frozen=True, slots=True)
class Found:
    """One hit by ids: its chunk, and those that say the same."""

    chunk: int
    score: float
    fused_score: float
    rerank_score: float | None
    repeats: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search came to, by ids, best first: the chunks themselves are read anew each time."""

    hits: tuple[Found, ...]
    rankings: Mapping[str, Ranking]
    versions: Mapping[str, int]
    notes: tuple[str, ...]
    rerank_model: str


def key_of(
    query: Query,
    request: SearchRequest,
    where: CandidateFilter,
    live: Mapping[str, SpaceVersion],
) -> str:
    """Return the key of a search; empty for one that is not kept.

    A filter of a source's own may look at tags and metadata, which no revision counts.
    """
    if not settings.SEARCH_CACHE_SECONDS:
        return ""
    if any(source.filter is not None for source in request.stage.leaves()):
        return ""
    versions = [(name, str(version.uuid), version.revision) for name, version in live.items()]
    reranker = (settings.RERANK_MODEL, reranking.locate().source)
    parts = (FORMAT, query, request, where, versions, reranker)
    return f"search:{_digest(_canonical(parts))}"


def is_complete(request: SearchRequest, rankings: Mapping[str, Ranking], notes: Any) -> bool:
    """Tell whether every source answered in full: half an answer is not kept."""
    asked = [
        source.label
        for stage in request.stage.stages()
        for source in stage.sources
        if stage.weights()[source.label]
    ]
    return set(asked) <= set(rankings) and keywords.BEHIND not in notes


def find(key: str) -> Outcome | None:
    """Return the outcome that is kept under the key; None where there is none."""
    if not key:
        return None
    try:
        return cache.get(key)
    except RedisError as exc:
        logger.debug("The cache cannot be read: %s", exc)
        return None


def keep(key: str, outcome: Outcome) -> None:
    if key:
        _set({key: outcome})


def query_vectors(version: SpaceVersion, texts: Sequence[str]) -> dict[str, np.ndarray]:
    """Return those of the texts' vectors in the version's space that are kept."""
    if not settings.SEARCH_CACHE_SECONDS:
        return {}
    keys = {_vector_key(version, text): text for text in texts}
    try:
        found = cache.get_many(keys)
    except RedisError as exc:
        logger.debug("The cache cannot be read: %s", exc)
        return {}
    size = version.dimension
    return {keys[key]: vectors.unpack([blob], size)[0] for key, blob in found.items()}


def keep_query_vectors(version: SpaceVersion, made: Mapping[str, np.ndarray]) -> None:
    if settings.SEARCH_CACHE_SECONDS and made:
        _set({_vector_key(version, text): vectors.pack(row) for text, row in made.items()})


def _set(entries: Mapping[str, Any]) -> None:
    try:
        cache.set_many(dict(entries), settings.SEARCH_CACHE_SECONDS)
    except RedisError as exc:
        logger.debug("The cache cannot be written: %s", exc)


def _vector_key(version: SpaceVersion, text: str) -> str:
    return f"query:{version.uuid.hex}:{version.dimension}:{_digest(text)}"


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=20).hexdigest()


def _canonical(value: Any) -> str:
    """Write a value so that equal ones read the same in every process."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = [_canonical(getattr(value, field.name)) for field in fields(value)]
        return f"{type(value).__name__}({','.join(parts)})"
    if isinstance(value, frozenset):
        return f"{{{','.join(sorted(map(repr, value)))}}}"
    if isinstance(value, tuple | list):
        return f"[{','.join(map(_canonical, value))}]"
    return repr(value)
