"""Run the stages of a request: ask, fuse, put in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from django.conf import settings

from ingestion.errors import PermanentError, TransientError
from ingestion.models import Chunk
from retrieval import fusion, vectors
from retrieval import rerank as reranking
from retrieval.embedders import FALLBACK_PREFIX, ModelUnavailable
from retrieval.fusion import Ranking
from retrieval.models import Embedding, SpaceInput
from retrieval.request import Final, Source, Stage
from retrieval.similarity import similarities
from retrieval.sources import Run, ask


def fused(stage: Stage, run: Run) -> Ranking:
    """Ask the stage's sources and merge what they found; the lists stay in `run.rankings`."""
    weights, lists = stage.weights(), {}
    for source in stage.sources:
        if weights[source.label] == 0:
            continue
        if _says_it_again(source, stage, run):
            run.rankings[source.label] = []
            continue
        ranking = ask(source, run) if isinstance(source, Source) else _whole(source, run)
        if ranking is not None:
            lists[source.label] = run.rankings[source.label] = ranking
    with run.timed("fuse"):
        return fusion.merge(lists, stage.fusion.method, k=stage.fusion.k, weights=weights)


def _says_it_again(source: Source | Stage, stage: Stage, run: Run) -> bool:
    """Tell whether a list would only repeat another one of the stage.

    A space of pictures that is filled from text about them, for want of its own model, is asked
    where it stands alone; beside the space of that text model it would count the same twice.
    """
    version = run.live.get(source.space) if isinstance(source, Source) else None
    if version is None or version.input != SpaceInput.DESCRIPTION:
        return False
    weights = stage.weights()
    others = [
        run.live.get(other.space)
        for other in stage.sources
        if isinstance(other, Source) and weights[other.label] != 0
    ]
    model = version.model.removeprefix(FALLBACK_PREFIX)
    return any(
        other is not None and other.input == SpaceInput.TEXT and other.model == model
        for other in others
    )


def _whole(stage: Stage, run: Run) -> Ranking:
    """Run a nested stage to its end."""
    ranking = fused(stage, run)
    if stage.final is not None and ranking:
        best = [chunk_id for chunk_id, _ in ranking[: stage.final.limit]]
        chunks = Chunk.objects.in_bulk(best) if stage.final.method == "cross_encoder" else {}
        scores = final_scores(stage.final, run, best, chunks)
        ranking = in_order(ranking, scores)
    return ranking[: stage.limit]


def in_order(ranking: Ranking, scores: Mapping[int, float]) -> list[tuple[int, float]]:
    """Put what was scored first, best first; the rest follows as it stood."""
    first = [(item, scores[item]) for item, _ in ranking if item in scores]
    # Sorting keeps the fused order among equal scores.
    return [
        *sorted(first, key=lambda pair: -pair[1]),
        *(pair for pair in ranking if pair[0] not in scores),
    ]


def final_scores(
    final: Final, run: Run, chunk_ids: Sequence[int], chunks: Mapping[int, Chunk]
) -> dict[int, float]:
    """Score chunks by a final stage; none, and a note, where it cannot be had.

    `chunks` holds those that a cross-encoder reads.
    """
    with run.timed("rerank"):
        if final.method == "rescore":
            return _rescored(final.space, run, chunk_ids)
        return _cross_encoded(run, [chunks[pk] for pk in chunk_ids if pk in chunks])


def _cross_encoded(run: Run, chunks: Sequence[Chunk]) -> dict[int, float]:
    if not run.query.text.strip():
        run.note("The order is that of the fused lists: the reranker reads text, not pictures.")
        return {}
    try:
        if reranking.locate().source == "hub":
            raise ModelUnavailable("it is still being downloaded.")
        reranker = reranking.load()
    except ModelUnavailable as exc:
        run.note(f"The order is that of the fused lists, without {settings.RERANK_MODEL}: {exc}")
        return {}
    scores = reranker.scores(run.query.text, [chunk.context_text for chunk in chunks])
    run.rerank_model = reranker.model
    return {chunk.pk: score for chunk, score in zip(chunks, scores, strict=True)}


def _rescored(space: str, run: Run, chunk_ids: Sequence[int]) -> dict[int, float]:
    """Score by the exact similarity in one space; chunks without a vector there get none."""
    version = run.live.get(space)
    try:
        if version is None:
            raise ModelUnavailable("it has not been set up yet.")
        query, left_out = run.vectors.of(run.number, version)
    except (PermanentError, TransientError) as exc:
        run.note(f"The order is that of the fused lists, without the {space} space: {exc}")
        return {}
    run.note(left_out)
    rows = Embedding.objects.filter(space_version=version, chunk__in=chunk_ids)
    found = [(pk, bytes(blob)) for pk, blob in rows.values_list("chunk_id", "vector")]
    if not found:
        return {}
    matrix = vectors.unpack([blob for _, blob in found], version.dimension)
    query = vectors.checked(query[None, :], version)[0]
    scores = similarities(query, matrix, version.metric, np.arange(len(found)))
    run.versions[space] = version.number
    run.rerank_model = version.model
    return dict(zip([pk for pk, _ in found], scores.tolist(), strict=True))
