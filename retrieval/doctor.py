"""Hold the rows of the database against what the indexes hold, and mend what differs.

The database is the truth, so every repair makes it, or an index, complete from what is
there; none can lose a document, and all are safe while searches and uploads go on.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Length

from ingestion.findings import Finding
from ingestion.models import Chunk
from retrieval import (
    building,
    changes,
    embedding,
    index_folders,
    keywords,
    refusals,
    snapshots,
    spaces,
    vectors,
)
from retrieval.changes import ChangesPruned
from retrieval.embedders import plan_for
from retrieval.models import Embedding, SpaceVersion
from retrieval.snapshots import SnapshotUnusable

BYTES_PER_NUMBER = 4


def examine() -> list[Finding]:
    """Return everything that is wrong with the vectors, the indexes and their folders."""
    found: list[Finding] = []
    for version in embedding.fed_versions():
        found += _rows(version)
        found += _snapshot(version)
    for version in SpaceVersion.objects.live().filter(space=keywords.SPACE):
        found += _keywords(version)
    if strays := list(_stray_folders()):
        sentence = f"{len(strays)} index folders belong to no version of a space."
        found.append(
            Finding("orphan_index", str(settings.INDEX_DIR), len(strays), sentence, "delete them")
        )
    return found


def repair() -> None:
    """Mend what `examine` finds. Raises TransientError when another process is at an index."""
    for version in embedding.fed_versions():
        _ghosts(version).delete()
        _wrong_dimension(version).delete()
        if plan_for(version.space, version.model).available:
            refusals.forget(version)
            spaces.build_version(version)
        if any(finding.repair == REBUILD for finding in _snapshot(version)):
            building.build_snapshot(version, anew=True)
    for version in SpaceVersion.objects.live().filter(space=keywords.SPACE):
        if _keywords(version):
            keywords.build(version)
    for folder in list(_stray_folders()):
        shutil.rmtree(folder, ignore_errors=True)


# --- the rows of the database --------------------------------------------------------------------


def _rows(version: SpaceVersion) -> Iterator[Finding]:
    checks: list[tuple[str, int, Callable[[int], str], str]] = [
        (
            "missing_vectors",
            embedding.missing(version, Chunk.objects.live()).count(),
            lambda count: f"{count} published passages have no vector in {version}.",
            _how_to_fill(version),
        ),
        (
            "ghost_vectors",
            _ghosts(version).count(),
            lambda count: f"{count} vectors in {version} are of passages that were replaced.",
            "delete them",
        ),
        (
            "wrong_dimension",
            _wrong_dimension(version).count(),
            lambda count: f"{count} vectors in {version} have not {version.dimension} numbers.",
            "delete them, and make them again",
        ),
    ]
    for code, count, say, mend in checks:
        if count:
            yield Finding(code, version.space, count, say(count), mend)


def _how_to_fill(version: SpaceVersion) -> str:
    plan = plan_for(version.space, version.model)
    return "make them" if plan.available else ""


def _ghosts(version: SpaceVersion) -> QuerySet[Embedding]:
    # Chunks of the next generation are being embedded, those of the live one are searched.
    before = F("chunk__document__live_generation")
    return Embedding.objects.filter(space_version=version, chunk__generation__lt=before)


def _wrong_dimension(version: SpaceVersion) -> QuerySet[Embedding]:
    rows = Embedding.objects.filter(space_version=version)
    if not version.dimension:
        return rows.none()
    sized = rows.annotate(bytes=Length("vector"))
    return sized.exclude(bytes=version.dimension * BYTES_PER_NUMBER)


# --- the indexes on disk -------------------------------------------------------------------------

REBUILD = "build the index anew from the database"


def _snapshot(version: SpaceVersion) -> Iterator[Finding]:
    try:
        held = snapshots.load(index_folders.folder_of(version), building.identity_of(version))
    except SnapshotUnusable as exc:
        sentence = f"The index of {version} may not be served: {exc}."
        yield Finding("damaged_index", version.space, 1, sentence, REBUILD)
        return
    if held is None:
        return
    try:
        changed = changes.since(version, held.manifest.revision)
    except ChangesPruned:
        sentence = f"The index of {version} is too old to be brought up to date."
        yield Finding("damaged_index", version.space, 1, sentence, REBUILD)
        return
    rows = held.rows.take(~held.rows.of_documents([*changed, 0]))
    indexed = set(rows.chunks.tolist())
    stored = set(
        vectors.live_embeddings(version)
        .exclude(chunk__document__in=changed)
        .values_list("chunk_id", flat=True)
    )
    yield from _difference(version, ghosts=len(indexed - stored), lost=len(stored - indexed))


def _difference(version: SpaceVersion, *, ghosts: int, lost: int) -> Iterator[Finding]:
    if ghosts:
        sentence = f"The index of {version} holds {ghosts} passages that are no more."
        yield Finding("ghosts_in_index", version.space, ghosts, sentence, REBUILD)
    if lost:
        sentence = f"The index of {version} lacks {lost} vectors that the database has."
        yield Finding("lost_from_index", version.space, lost, sentence, REBUILD)


def _keywords(version: SpaceVersion) -> Iterator[Finding]:
    report = keywords.report(version)
    wanted = Chunk.objects.live().count()
    if report.condition == keywords.REBUILDING:
        sentence = f"The keyword index is damaged or not there; {wanted} passages are not found."
        yield Finding("damaged_index", version.space, wanted, sentence, REBUILD)
    elif not report.condition and report.chunks != wanted:
        sentence = f"The keyword index holds {report.chunks} passages; the database has {wanted}."
        yield Finding(
            "lost_from_index", version.space, abs(wanted - report.chunks), sentence, REBUILD
        )


def _stray_folders() -> Iterator[Path]:
    known = {index_folders.folder_of(version) for version in SpaceVersion.objects.all()}
    for folder in sorted(Path(settings.INDEX_DIR).glob("*/v*")):
        if folder.is_dir() and folder not in known:
            yield folder
