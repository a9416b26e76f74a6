"""Say how each space is: for the status page, the API, and whoever has to mend it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from ingestion.models import Chunk
from retrieval import (
    embedding,
    index_folders,
    index_plan,
    keywords,
    leases,
    snapshots,
    space_reader,
)
from retrieval import vectors as vector_rows
from retrieval.candidates import IndexNotReady
from retrieval.embedders import EmbedderPlan, plan_for
from retrieval.models import SpaceInput, SpaceVersion, SpaceVersionState
from retrieval.space_reader import SpaceState

SLOW_COUNT_SECONDS = 0.2
# A slow count is good for so many times the time it took.
COUNT_SHARE = 20
_counted: dict[int, tuple[int, float]] = {}


@dataclass(frozen=True, slots=True)
class Build:
    """The version that is being built beside the live one, in chunks embedded."""

    number: int
    model: str
    done: int
    total: int
    error: str
    # Full, and not to be searched before somebody says so.
    waits: bool = False


@dataclass(frozen=True, slots=True)
class SpaceStatus:
    """One space as it is now.

    `fresh` are vectors newer than the snapshot on disk, `deleted` those of the snapshot that
    are out of date; both, and `memory_bytes`, are what this process has loaded. `missing`
    counts chunks that lack their vector. `indexing` is the share that is done of an index that
    is being built; None while none is. `condition` is a sentence, empty when all is well.
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
    indexing: float | None
    condition: str
    build: Build | None

    @property
    def index_text(self) -> str:
        """The index's type with its parameters, for people."""
        parameters = [f"{name} {value}" for name, value in self.index.items() if name != "type"]
        return self.index["type"] + (f" ({', '.join(parameters)})" if parameters else "")


def describe() -> list[SpaceStatus]:
    """Return the status of every space that is searched, the keyword index last."""
    live = {version.space: version for version in SpaceVersion.objects.live()}
    found = [_vector_space(live[space]) for space in settings.SPACES if space in live]
    if keywords.SPACE in live:
        found.append(_keyword_space(live[keywords.SPACE]))
    return found


def _vector_space(version: SpaceVersion) -> SpaceStatus:
    state = _state_now(version)
    if state is None:
        count, fresh = vector_rows.live_embeddings(version).count(), 0
    else:
        count, fresh = state.count, len(state.fresh.rows)
    missing = _missing(version)
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
        indexing=leases.done_by_writer(version),
        condition=_condition(version, missing),
        build=_build_of(version.space),
    )


def _state_now(version: SpaceVersion) -> SpaceState | None:
    """Return what this process holds, caught up; None where it holds nothing yet."""
    reader = space_reader.reader_of(version)
    if reader.state is None:
        return None
    try:
        return reader.current(version)
    except IndexNotReady:
        return reader.state


def _missing(version: SpaceVersion) -> int:
    """Count the published chunks that lack their vector; not again soon where that takes long."""
    now = time.monotonic()
    count, until = _counted.get(version.pk, (0, 0.0))
    if now < until:
        return count
    count = embedding.missing(version, Chunk.objects.live()).count()
    spent = time.monotonic() - now
    if spent > SLOW_COUNT_SECONDS:
        # The status page asks every few seconds, and a million rows take about one to count.
        _counted[version.pk] = count, time.monotonic() + COUNT_SHARE * spent
    return count


def _index_of(version: SpaceVersion, count: int) -> dict[str, Any]:
    folder = index_folders.folder_of(version)
    name = index_folders.current_name(folder)
    if name:
        try:
            return snapshots.read_manifest(folder / name).index
        except (OSError, ValueError):
            return {"type": "none"}
    return index_plan.plan(version.index_settings, count).as_dict()


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
        version.number,
        version.model,
        version.chunks_done,
        version.chunks_total,
        version.error,
        version.is_to_be_compared,
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
        indexing=leases.done_by_writer(version),
        condition=report.condition,
        build=_build_of(version.space),
    )
