"""Say how each space is: for the status page, the API, and whoever has to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from ingestion.models import Chunk
from retrieval import embedding, faiss_index, index_folders, keywords, snapshots, space_reader
from retrieval import vectors as vector_rows
from retrieval.embedders import EmbedderPlan, plan_for
from retrieval.models import SpaceInput, SpaceVersion, SpaceVersionState


@dataclass(frozen=True, slots=True)
class Build:
    """The version that is being built beside the live one, in chunks embedded."""

    number: int
    model: str
    done: int
    total: int
    error: str


@dataclass(frozen=True, slots=True)
class SpaceStatus:
    """One space as it is now.

    `fresh` are vectors newer than the snapshot on disk, `deleted` those of the snapshot that
    are out of date; both, and `memory_bytes`, are what this process has loaded. `missing`
    counts chunks that lack their vector. `condition` is a sentence, empty when all is well.
    """

    name: str
    version: int
    state: str
    model: str
    dimension: int
    metric: str
    index: dict[str, Any]
    vectors: int
    fresh: int
    deleted: int
    missing: int
    memory_bytes: int
    last_built_at: datetime | None
    condition: str
    build: Build | None


def describe() -> list[SpaceStatus]:
    """Return the status of every space that is searched, the keyword index last."""
    live = {version.space: version for version in SpaceVersion.objects.live()}
    found = [_vector_space(live[space]) for space in settings.SPACES if space in live]
    if keywords.SPACE in live:
        found.append(_keyword_space(live[keywords.SPACE]))
    return found


def _vector_space(version: SpaceVersion) -> SpaceStatus:
    state = space_reader.reader_of(version).state
    if state is None:
        count, fresh = vector_rows.live_embeddings(version).count(), 0
    else:
        count, fresh = state.count, len(state.fresh.rows)
    missing = embedding.missing(version, Chunk.objects.live()).count()
    return SpaceStatus(
        name=version.space,
        version=version.number,
        state=version.state,
        model=version.model,
        dimension=version.dimension,
        metric=version.metric,
        index=_index_of(version, count),
        vectors=count,
        fresh=fresh,
        deleted=state.deleted if state else 0,
        missing=missing,
        memory_bytes=state.memory_bytes if state else 0,
        last_built_at=version.last_built_at,
        condition=_condition(version, missing),
        build=_build_of(version.space),
    )


def _index_of(version: SpaceVersion, count: int) -> dict[str, Any]:
    folder = index_folders.folder_of(version)
    name = index_folders.current_name(folder)
    if name:
        try:
            return snapshots.read_manifest(folder / name).index
        except (OSError, ValueError):
            return {"type": "none"}
    return faiss_index.plan(version.index_settings, count).as_dict()


def _condition(version: SpaceVersion, missing: int) -> str:
    made_by = plan_for(version.space, version.model)
    wanted = plan_for(version.space)
    sentences = []
    if not made_by.available:
        sentences.append(f"{made_by.weights.model} cannot be had. {made_by.weights.advice}")
    elif version.input == SpaceInput.DESCRIPTION:
        sentences.append(_fallback_sentence(version, made_by, wanted))
    if missing:
        sentences.append(
            f"{missing:,} {'passages lack' if missing > 1 else 'passage lacks'} a vector."
        )
    return " ".join(sentence for sentence in sentences if sentence)


def _fallback_sentence(version: SpaceVersion, made_by: EmbedderPlan, wanted: EmbedderPlan) -> str:
    return (
        f"The weights of {settings.SPACES[version.space]['model']} are missing, so pictures and "
        "tables are found by their captions, the text in them and the sentences that refer to "
        f"them, as {made_by.weights.model} reads those. {wanted.advice}"
    )


def _build_of(space: str) -> Build | None:
    building = SpaceVersion.objects.filter(space=space, state=SpaceVersionState.BUILDING)
    version = building.order_by("-number").first()
    if version is None:
        return None
    return Build(
        version.number, version.model, version.chunks_done, version.chunks_total, version.error
    )


def _keyword_space(version: SpaceVersion) -> SpaceStatus:
    report = keywords.report(version)
    return SpaceStatus(
        name=version.space,
        version=version.number,
        state=version.state,
        model=version.model,
        dimension=0,
        metric=version.metric,
        index={"type": "bm25", "k1": 1.2, "b": 0.75},
        vectors=report.chunks,
        fresh=0,
        deleted=0,
        missing=report.missing,
        memory_bytes=0,
        last_built_at=version.last_built_at,
        condition=report.condition,
        build=_build_of(version.space),
    )
