"""From a question to ranked chunks that carry their provenance."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from ingestion.models import Chunk
from retrieval import fusion
from retrieval import rerank as reranking
from retrieval.candidates import CandidateFilter
from retrieval.duplicates import first_of_each
from retrieval.embedders import ModelUnavailable
from retrieval.sources import Gathered, gather


@dataclass(frozen=True, slots=True)
class SourceRank:
    """Where one source saw the chunk: rank from 1, and the source's own score."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk of the answer to a search, with document and page selected.

    `score` is what the hits are ordered by: the rerank score where there is one, else the
    fused score. `sources` holds the lists that contained the chunk.
    """

    chunk: Chunk
    rank: int
    score: float
    sources: Mapping[str, SourceRank]
    fused_score: float
    rerank_score: float | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, and how they came about: versions, seconds by stage, notes."""

    hits: tuple[Hit, ...]
    index_versions: dict[str, int]
    timings: dict[str, float]
    notes: tuple[str, ...]
    rerank_model: str = ""


def search(
    query: str,
    *,
    where: CandidateFilter,
    top_k: int = 10,
    weights: Mapping[str, float] | None = None,
    rerank: bool = True,
) -> SearchResult:
    """Find the chunks that best answer a query, within what the filter lets through.

    Every source is asked, the lists are fused, repeated passages are left out, and the best
    are put in order by the cross-encoder where it can be had. What could not be used is said
    in `notes`; it never fails the rest.
    """
    start = time.perf_counter()
    defaults = settings.SEARCH_DEFAULTS
    if where.finds_nothing or not query.strip():
        return SearchResult((), {}, {}, ())
    weights = {**defaults["weights"], **(weights or {})}
    found = gather(query, where=where, limit=defaults["candidates"], weights=weights)
    with found.timed("fuse"):
        hits = _resolve(_fuse(found, weights), found, where)
    model = ""
    if rerank and hits:
        with found.timed("rerank"):
            hits, model = _rerank(query, hits, found.notes)
    found.timings["total"] = time.perf_counter() - start
    return SearchResult(
        hits=tuple(replace(hit, rank=rank) for rank, hit in enumerate(hits[:top_k], start=1)),
        index_versions=found.versions,
        timings=found.timings,
        notes=tuple(found.notes),
        rerank_model=model,
    )


def _fuse(found: Gathered, weights: Mapping[str, float]) -> fusion.Ranking:
    rankings = {
        name: [(candidate.chunk_id, candidate.score) for candidate in candidates]
        for name, candidates in found.rankings.items()
    }
    return fusion.rrf(rankings, k=settings.SEARCH_DEFAULTS["rrf_k"], weights=weights)


def _resolve(ranking: fusion.Ranking, found: Gathered, where: CandidateFilter) -> list[Hit]:
    """Read the chunks, in one query; drop what is not live, not allowed, or said before."""
    ids = [chunk_id for chunk_id, _ in ranking]
    rows = Chunk.objects.live().filter(pk__in=ids).select_related("document", "page")
    chunks = {
        chunk.pk: chunk
        for chunk in rows.defer("page__layout", "table")
        # An index may lag behind the database, never the other way round.
        if chunk.document_id in where.document_ids
    }
    sources = _sources(found)
    hits = [
        Hit(chunks[pk], 0, score, sources[pk], fused_score=score)
        for pk, score in ranking
        if pk in chunks
    ]
    return [hits[index] for index in first_of_each([_said(hit.chunk) for hit in hits])]


def _sources(found: Gathered) -> dict[int, dict[str, SourceRank]]:
    sources: dict[int, dict[str, SourceRank]] = {}
    for name, candidates in found.rankings.items():
        for rank, candidate in enumerate(candidates, start=1):
            ranks = sources.setdefault(candidate.chunk_id, {})
            ranks[name] = SourceRank(rank, candidate.score)
    return sources


def _said(chunk: Chunk) -> str:
    return f"{chunk.caption}\n{chunk.text}"


def _rerank(query: str, hits: list[Hit], notes: list[str]) -> tuple[list[Hit], str]:
    """Put the best hits in the cross-encoder's order; without one the order stands."""
    count = settings.SEARCH_DEFAULTS["rerank"]
    try:
        if reranking.locate().source == "hub":
            raise ModelUnavailable("it is still being downloaded.")
        reranker = reranking.load()
    except ModelUnavailable as exc:
        notes.append(
            f"The order is that of the fused lists, without {settings.RERANK_MODEL}: {exc}"
        )
        return hits, ""
    scores = reranker.scores(query, [hit.chunk.context_text for hit in hits[:count]])
    return [*_in_order(hits[:count], scores), *hits[count:]], reranker.model


def _in_order(hits: Sequence[Hit], scores: Sequence[float]) -> list[Hit]:
    scored = [
        replace(hit, score=score, rerank_score=score)
        for hit, score in zip(hits, scores, strict=True)
    ]
    # Sorting keeps the fused order among equal scores.
    return sorted(scored, key=lambda hit: -hit.score)
