"""From a question to ranked chunks that carry their provenance."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ingestion.errors import PermanentError
from ingestion.models import Chunk
from retrieval import caching, named_kinds, named_places, profiles, spaces, vectors
from retrieval.candidates import CandidateFilter
from retrieval.duplicates import groups
from retrieval.fusion import Ranking
from retrieval.models import Embedding, SpaceVersion
from retrieval.query_vectors import QueryVectors
from retrieval.request import Query, SearchRequest, Stage
from retrieval.signals import searched
from retrieval.sources import Run
from retrieval.stages import final_scores, fused, in_order


@dataclass(frozen=True, slots=True)
class SourceRank:
    """Where one source saw the chunk: rank from 1, and the source's own score."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """One chunk of the answer to a search, with document and page selected.

    `score` is what the hits are ordered by: the rerank score where there is one, else the
    fused score. `sources` holds the lists that contained the chunk, by their labels;
    `vectors` those that were asked for, by space; `repeats` chunks further down that say the
    same, and were left out for it.
    """

    chunk: Chunk
    rank: int
    score: float
    sources: Mapping[str, SourceRank]
    fused_score: float
    rerank_score: float | None = None
    vectors: Mapping[str, np.ndarray] = field(default_factory=dict)
    repeats: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, and how they came about: versions, seconds by stage, notes."""

    hits: tuple[Hit, ...]
    index_versions: dict[str, int]
    timings: dict[str, float]
    notes: tuple[str, ...]
    rerank_model: str = ""
    # Each list by its label, as it was before fusion.
    rankings: Mapping[str, Ranking] = field(default_factory=dict)


# Places are looked up in the documents of so many of the best chunks.
PLACES_OF = 10
# Of no use with a hit, and large: a document's would be read again for each of its chunks.
NOT_READ = (
    "table",
    "page__layout",
    "page__crops",
    "page__warnings",
    "document__facts",
    "document__outline",
    "document__tags",
    "document__metadata",
)

NOTHING = SearchResult((), {}, {}, ())


def search(
    query: str | Query,
    *,
    where: CandidateFilter,
    top_k: int | None = None,
    weights: Mapping[str, float] | None = None,
    rerank: bool = True,
    request: SearchRequest | None = None,
    use_cache: bool = True,
    versions: Sequence[SpaceVersion] = (),
) -> SearchResult:
    """Find the chunks that best answer a query, within what the filter lets through.

    Every source of the request is asked, the lists are fused, repeated passages are left out,
    and the best are put in order by the final stage. Without a request, that of the live
    search profile is run. What could not be used is said in `notes`; it never fails the rest.
    `versions`, as just read from the database, are searched instead of the live ones.
    """
    request = request or profiles.standard()
    if weights:
        request = request.with_weights(dict(weights))
    if not rerank:
        request = request.without_final()
    if top_k is not None:
        request = replace(request, top_k=top_k)
    asked = Query(query) if isinstance(query, str) else query
    many = search_many(
        [asked], where=where, request=request, use_cache=use_cache, versions=versions
    )
    return many[0]


def search_many(
    queries: Sequence[Query],
    *,
    where: CandidateFilter,
    request: SearchRequest,
    use_cache: bool = True,
    versions: Sequence[SpaceVersion] = (),
) -> list[SearchResult]:
    """Run one request for several queries, which are encoded together; see `search`.

    Answers are kept for a while, by all that they follow from; `use_cache` switches that off.

    Raises PermanentError for a query by a picture that no source can be asked by.
    """
    if where.finds_nothing:
        return [NOTHING for _ in queries]
    live = spaces.live_versions() | {version.space: version for version in versions}
    encoder = QueryVectors(queries, use_cache=use_cache)
    results = []
    for number, query in enumerate(queries):
        run = Run(query, number, where, live, encoder)
        key = caching.key_of(query, request, where, live) if use_cache else ""
        results.append(NOTHING if query.is_empty else _kept(run, request, key))
    return results


def _kept(run: Run, request: SearchRequest, key: str) -> SearchResult:
    """Answer from the cache, else run the search and keep what it came to."""
    start = time.perf_counter()
    outcome = caching.find(key)
    if outcome is not None and (hits := _again(outcome, run)) is not None:
        return _result(hits, request, run, start, is_cached=True)
    result = _run(run, request)
    if caching.is_complete(request, run.rankings, run.notes):
        caching.keep(key, _outcome(result, run))
    return result


def _outcome(result: SearchResult, run: Run) -> caching.Outcome:
    hits = tuple(
        caching.Found(
            hit.chunk.pk,
            hit.score,
            hit.fused_score,
            hit.rerank_score,
            tuple(chunk.pk for chunk in hit.repeats),
        )
        for hit in result.hits
    )
    return caching.Outcome(hits, run.rankings, run.versions, result.notes, run.rerank_model)


def _again(outcome: caching.Outcome, run: Run) -> list[Hit] | None:
    """Read the chunks of an outcome anew; None when one of them may not be shown any more."""
    run.rankings, run.versions = dict(outcome.rankings), dict(outcome.versions)
    run.notes, run.rerank_model = list(outcome.notes), outcome.rerank_model
    wanted = [pk for found in outcome.hits for pk in (found.chunk, *found.repeats)]
    with run.timed("cache"):
        chunks = _readable(wanted, run)
    if len(chunks) < len(wanted):
        run.rankings, run.versions, run.notes, run.rerank_model = {}, {}, [], ""
        return None
    sources = _sources(run)
    return [
        Hit(
            chunks[found.chunk],
            0,
            found.score,
            sources[found.chunk],
            fused_score=found.fused_score,
            rerank_score=found.rerank_score,
            repeats=tuple(chunks[pk] for pk in found.repeats),
        )
        for found in outcome.hits
    ]


def _run(run: Run, request: SearchRequest) -> SearchResult:
    start = time.perf_counter()
    ranking = fused(request.stage, run)
    if run.query.has_picture and not run.rankings:
        raise PermanentError(" ".join(["Nothing can be found by this picture.", *run.notes]))
    ranking = _with_places(_with_kinds(ranking, run, request.stage), run)
    with run.timed("resolve"):
        hits = _resolve(ranking, run, request)
    if request.stage.final is not None and hits:
        hits = _finally(hits, run, request)
    return _result(hits[: request.top_k], request, run, start)


def _result(
    hits: Sequence[Hit], request: SearchRequest, run: Run, start: float, *, is_cached: bool = False
) -> SearchResult:
    run.timings["total"] = time.perf_counter() - start
    searched.send(sender=SearchRequest, timings=run.timings, is_cached=is_cached)
    return SearchResult(
        hits=tuple(_with_vectors(hits, request, run)),
        index_versions=run.versions,
        timings=run.timings,
        notes=tuple(run.notes),
        rerank_model=run.rerank_model,
        rankings=run.rankings,
    )


def _with_kinds(ranking: Ranking, run: Run, stage: Stage) -> Ranking:
    """Let what is of a kind that the question names count a little more.

    Standard scores alone say what a little is.
    """
    named = named_kinds.named_in(run.query.text) if stage.fusion.method == "zmuv" else frozenset()
    if not named or not ranking:
        return ranking
    with run.timed("kinds"):
        rows = Chunk.objects.filter(pk__in=[pk for pk, _ in ranking], kind__in=named).order_by()
        kinds = dict(rows.values_list("pk", "kind"))
    if not kinds:
        return ranking
    ranking = named_kinds.lift(ranking, kinds, unit=max(stage.weights().values()))
    run.rankings["kind"] = [(pk, named_kinds.LIFTS[kinds[pk]]) for pk, _ in ranking if pk in kinds]
    return ranking


def _with_places(ranking: Ranking, run: Run) -> Ranking:
    """Put what stands at places that the question names before the rest."""
    places = named_places.named_in(run.query.text)
    if not places or not ranking:
        return ranking
    with run.timed("places"):
        best = [pk for pk, _ in ranking[:PLACES_OF]]
        rows = Chunk.objects.filter(pk__in=best).order_by()
        owners = dict(rows.values_list("pk", "document_id"))
        documents = list(dict.fromkeys(owners[pk] for pk in best if pk in owners))
        named = named_places.chunks_at(places, documents[: named_places.DOCUMENTS])
    if named:
        run.rankings["places"] = [(pk, 1.0) for pk in named]
    return named_places.put_first(ranking, named)


def _resolve(ranking: Ranking, run: Run, request: SearchRequest) -> list[Hit]:
    """Read as many of the best chunks as the request needs, and no more.

    What is not live, not allowed, or said before is dropped.
    """
    final = request.stage.final
    wanted = max(request.top_k, final.limit if final else 0)
    ranking = [(pk, score) for pk, score in ranking if pk != run.query.like]
    sources = _sources(run)
    hits: list[Hit] = []
    for start in range(0, len(ranking), wanted):
        some = ranking[start : start + wanted]
        chunks = _readable([pk for pk, _ in some], run)
        hits += [
            Hit(chunks[pk], 0, score, sources[pk], fused_score=score)
            for pk, score in some
            if pk in chunks
        ]
        hits = _said_once(hits)
        if len(hits) >= wanted:
            break
    return hits


def _said_once(hits: Sequence[Hit]) -> list[Hit]:
    """Keep the best of those that say the same, and let it name the others."""
    once = []
    for first, *others in groups([_said(hit.chunk) for hit in hits]):
        again = [chunk for at in others for chunk in (hits[at].chunk, *hits[at].repeats)]
        once.append(replace(hits[first], repeats=(*hits[first].repeats, *again)))
    return once


def _readable(ids: Sequence[int], run: Run) -> dict[int, Chunk]:
    rows = Chunk.objects.live().filter(pk__in=ids).select_related("document", "page")
    return {
        chunk.pk: chunk
        # In any order: sorting by document and place takes the database as long as reading.
        for chunk in rows.defer(*NOT_READ).order_by()
        # An index may lag behind the database, never the other way round.
        if run.where.admits(chunk.document_id, chunk.kind, chunk.page_number)
    }


def _sources(run: Run) -> dict[int, dict[str, SourceRank]]:
    sources: dict[int, dict[str, SourceRank]] = {}
    for name, ranking in run.rankings.items():
        for rank, (chunk_id, score) in enumerate(ranking, start=1):
            sources.setdefault(chunk_id, {})[name] = SourceRank(rank, score)
    return sources


def _said(chunk: Chunk) -> str:
    return f"{chunk.caption}\n{chunk.text}"


def _finally(hits: Sequence[Hit], run: Run, request: SearchRequest) -> list[Hit]:
    """Put the best hits in the final stage's order; where it cannot be had the order stands."""
    final = request.stage.final
    assert final is not None
    by_id = {hit.chunk.pk: hit for hit in hits}
    chunks = {pk: hit.chunk for pk, hit in by_id.items()}
    scores = final_scores(final, run, list(by_id)[: final.limit], chunks)
    ranking = in_order([(hit.chunk.pk, hit.score) for hit in hits], scores)
    return [replace(by_id[pk], score=score, rerank_score=scores.get(pk)) for pk, score in ranking]


def _with_vectors(hits: Sequence[Hit], request: SearchRequest, run: Run) -> list[Hit]:
    found: dict[int, dict[str, np.ndarray]] = {hit.chunk.pk: {} for hit in hits}
    for space in request.vectors:
        if version := run.live.get(space):
            rows = Embedding.objects.filter(space_version=version, chunk__in=list(found))
            for pk, blob in rows.values_list("chunk_id", "vector"):
                found[pk][space] = vectors.unpack([bytes(blob)], version.dimension)[0]
    return [
        replace(hit, rank=rank, vectors=found[hit.chunk.pk])
        for rank, hit in enumerate(hits, start=1)
    ]
