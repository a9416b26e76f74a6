"""Build snapshots of a space version from the database."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.utils import timezone

from ingestion.errors import TransientError
from retrieval import changes, index_folders, index_plan, leases, snapshots, vectors
from retrieval.changes import ChangesPruned
from retrieval.faiss_index import VectorIndex
from retrieval.index_folders import folder_of
from retrieval.models import IndexChange, SpaceVersion
from retrieval.rows import DEAD, Rows
from retrieval.snapshots import Snapshot, SnapshotUnusable

logger = logging.getLogger(__name__)

# The index grows by this many vectors between two renewals of the lease.
ADD_AT_ONCE = 5000
# About where a build stands when the vectors are copied out, and when the centres are found.
COPIED, TRAINED = 0.25, 0.5
# A new snapshot of a large space is worth its cost once this share of it is fresh.
FRESH_SHARE = 0.02
# With a larger share of new and dead rows than this, an index is built anew, not extended.
EXTEND_SHARE = 0.2


def identity_of(version: SpaceVersion) -> snapshots.Identity:
    return snapshots.Identity(str(version.uuid), version.model, version.dimension, version.metric)


def build_snapshot(version: SpaceVersion, *, anew: bool = False) -> snapshots.Manifest:
    """Build a snapshot of all that the version holds now, and switch to it.

    An index that is there is extended by what has changed, unless it is wanted anew. Memory is
    bounded by the index itself. Raises LeaseLost when another process is at it, and
    TransientError when the disk does not take it.
    """
    with leases.writing(version) as lease:
        # Read before the rows: what changes while they are read is caught up on later.
        version.refresh_from_db()
        folder = folder_of(version)
        try:
            with index_folders.workplace(folder) as place:
                manifest = _build(version, place, lease, anew=anew)
        except OSError as exc:
            raise TransientError(
                f"The index folder {folder} cannot be written ({exc.strerror})."
            ) from exc
        SpaceVersion.objects.filter(pk=version.pk).update(last_built_at=timezone.now())
    logger.info("Built a snapshot of %s with %d rows.", version, manifest.count)
    return manifest


def _build(
    version: SpaceVersion, place: Path, lease: leases.Lease, *, anew: bool
) -> snapshots.Manifest:
    extended = None if anew else _extended(version, place, lease)
    index, rows = extended or _built_anew(version, place, lease)
    return snapshots.publish(
        place,
        index=index,
        rows=rows,
        identity=identity_of(version),
        revision=version.revision,
        built_at=timezone.now().isoformat(),
        still_ours=lease.confirm,
    )


def _built_anew(
    version: SpaceVersion, place: Path, lease: leases.Lease
) -> tuple[VectorIndex, Rows]:
    source = place / snapshots.VECTORS_FILE
    rows = _copy_out(version, source, lease)
    full = snapshots.vector_file(source, version.dimension)
    index = VectorIndex.empty(
        index_plan.plan(version.index_settings, len(rows)),
        dimension=version.dimension,
        metric=version.metric,
        full=full,
        between=lambda: lease.renew(COPIED),
    )
    _add(index, full, lease, begun=TRAINED)
    return index, rows


def _copy_out(version: SpaceVersion, path: Path, lease: leases.Lease) -> Rows:
    parts: list[Rows] = []
    copied, total = 0, vectors.live_embeddings(version).count()
    with path.open("wb") as file:
        for batch in vectors.stream(version):
            batch.vectors.astype("<f4").tofile(file)
            parts.append(batch.rows)
            copied += len(batch.rows)
            lease.renew(COPIED * copied / max(total, copied))
    return Rows.joined(parts)


def _add(
    index: VectorIndex, matrix: np.ndarray, lease: leases.Lease, *, begun: float = 0.0
) -> None:
    for start in range(0, len(matrix), ADD_AT_ONCE):
        index.add(matrix[start : start + ADD_AT_ONCE])
        lease.renew(begun + (1 - begun) * min(1.0, (start + ADD_AT_ONCE) / len(matrix)))


def _extended(
    version: SpaceVersion, place: Path, lease: leases.Lease
) -> tuple[VectorIndex, Rows] | None:
    """Add to the current index what has changed since; None when that is not worth it."""
    held = _current_index(version)
    if held is None:
        return None
    try:
        ids = list(changes.since(version, held.manifest.revision))
    except ChangesPruned:
        return None
    dead = held.rows.of_documents([*ids, DEAD])
    most = int(EXTEND_SHARE * len(held.rows)) - int(np.count_nonzero(dead))
    if most < 0 or _count_up_to(version, ids, most + 1) > most:
        return None
    fresh = vectors.of_documents(version, ids)
    if held.index.keeps_full_vectors:
        _copy_and_append(version, held.name, place, fresh.vectors)
    _add(held.index, fresh.vectors, lease)
    return held.index, Rows.joined([held.rows.with_dead(dead), fresh.rows])


def _current_index(version: SpaceVersion) -> Snapshot | None:
    try:
        held = snapshots.load(folder_of(version), identity_of(version))
    except SnapshotUnusable:
        return None
    if held is None or held.manifest.revision > version.revision or held.index.plan.is_exact:
        return None
    wanted = index_plan.plan(version.index_settings, len(held.rows))
    held.index.search_as(wanted)
    return held if held.index.plan.can_be_extended_to(wanted) else None


def _copy_and_append(version: SpaceVersion, name: str, place: Path, fresh: np.ndarray) -> None:
    target = place / snapshots.VECTORS_FILE
    shutil.copyfile(folder_of(version) / name / snapshots.VECTORS_FILE, target)
    with target.open("ab") as file:
        fresh.astype("<f4").tofile(file)


def _count_up_to(version: SpaceVersion, document_ids: Any, most: int) -> int:
    rows = vectors.live_embeddings(version).filter(chunk__document__in=document_ids)
    return rows[:most].count()


def build_if_due(version: SpaceVersion) -> None:
    """Build a snapshot if enough is fresh, or if the current one may not be served.

    Raises as build_snapshot does.
    """
    if is_due(version) or not is_intact(version):
        build_snapshot(version)


def is_intact(version: SpaceVersion) -> bool:
    """Tell whether the current snapshot may be served; true as well where there is none."""
    try:
        snapshots.verify(folder_of(version), identity_of(version))
    except SnapshotUnusable as exc:
        logger.warning("%s: %s.", version, exc)
        return False
    return True


def is_due(version: SpaceVersion) -> bool:
    """Tell whether enough has changed since the last snapshot to build another."""
    folder = folder_of(version)
    name = index_folders.current_name(folder)
    if not name:
        enough = settings.SNAPSHOT_AFTER_ROWS
        return vectors.live_embeddings(version)[: enough + 1].count() > enough
    try:
        manifest = snapshots.read_manifest(folder / name)
    except (OSError, ValueError):
        return True
    first, last = _revisions_now(version)
    if not first <= manifest.revision <= last:
        return True  # Too old to catch up, or the database was set back to an older copy.
    enough = max(settings.SNAPSHOT_AFTER_ROWS, int(FRESH_SHARE * manifest.count))
    return are_more_behind(version, manifest.revision, than=enough)


def are_more_behind(version: SpaceVersion, revision: int, *, than: int) -> bool:
    """Tell whether the documents that changed after a revision have more rows than that."""
    changed = IndexChange.objects.filter(space_version=version, revision__gt=revision)
    return _count_up_to(version, changed.values("document_id"), than + 1) > than


def is_mostly_dead(version: SpaceVersion) -> bool:
    """Tell whether more than half of the current snapshot's rows are out of date."""
    folder = folder_of(version)
    name = index_folders.current_name(folder)
    try:
        count = snapshots.read_manifest(folder / name).count if name else 0
    except (OSError, ValueError):
        return False
    return count > 2 * vectors.live_embeddings(version).count()


def _revisions_now(version: SpaceVersion) -> tuple[int, int]:
    return SpaceVersion.objects.values_list("pruned_to", "revision").get(pk=version.pk)
