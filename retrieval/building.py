"""Build snapshots of a space version from the database."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from django.conf import settings
from django.utils import timezone

from ingestion.errors import TransientError
from retrieval import faiss_index, index_folders, leases, snapshots, vectors
from retrieval.index_folders import folder_of
from retrieval.models import IndexChange, SpaceVersion
from retrieval.rows import Rows

logger = logging.getLogger(__name__)

# The graph grows by this many vectors between two renewals of the lease.
ADD_AT_ONCE = 1000
# A new snapshot of a large space is worth its cost once this share of it is fresh.
FRESH_SHARE = 0.02


def identity_of(version: SpaceVersion) -> snapshots.Identity:
    return snapshots.Identity(str(version.uuid), version.model, version.dimension, version.metric)


def build_snapshot(version: SpaceVersion) -> snapshots.Manifest:
    """Build a snapshot of all that the version holds now, and switch to it.

    Memory is bounded by the index itself. Raises LeaseLost when another process is at it,
    and TransientError when the disk does not take it.
    """
    with leases.writing(version) as lease:
        # Read before the rows: what changes while they are read is caught up on later.
        version.refresh_from_db()
        folder = folder_of(version)
        try:
            manifest = _build(version, folder, lease)
        except OSError as exc:
            raise TransientError(
                f"The index folder {folder} cannot be written ({exc.strerror})."
            ) from exc
        SpaceVersion.objects.filter(pk=version.pk).update(last_built_at=timezone.now())
    logger.info("Built a snapshot of %s with %d vectors.", version, manifest.count)
    return manifest


def _build(version: SpaceVersion, folder: Path, lease: leases.Lease) -> snapshots.Manifest:
    with index_folders.workplace(folder) as place:
        source = place / snapshots.VECTORS_FILE
        rows = _copy_out(version, source, lease)
        full = snapshots.vector_file(source, version.dimension, mode="r")
        index = faiss_index.VectorIndex.empty(
            faiss_index.plan(version.index_settings, len(rows)),
            dimension=version.dimension,
            metric=version.metric,
            full=full,
        )
        for start in range(0, len(rows), ADD_AT_ONCE):
            index.add(full[start : start + ADD_AT_ONCE])
            lease.renew()
        manifest = snapshots.publish(
            place,
            index=index,
            rows=rows,
            identity=identity_of(version),
            revision=version.revision,
            built_at=timezone.now().isoformat(),
            still_ours=lease.confirm,
        )
    return manifest


def _copy_out(version: SpaceVersion, path: Path, lease: leases.Lease) -> Rows:
    parts: list[Rows] = []
    with path.open("wb") as file:
        for batch in vectors.stream(version):
            np.ascontiguousarray(batch.vectors, dtype="<f4").tofile(file)
            parts.append(batch.rows)
            lease.renew()
    return Rows.joined(parts)


def is_due(version: SpaceVersion) -> bool:
    """Tell whether enough has changed since the last snapshot to build another."""
    name = index_folders.current_name(folder_of(version))
    changes = IndexChange.objects.filter(space_version=version)
    count = 0
    if name:
        try:
            manifest = snapshots.read_manifest(folder_of(version) / name)
        except (OSError, ValueError):
            return True
        changes, count = changes.filter(revision__gt=manifest.revision), manifest.count
    enough = max(settings.SNAPSHOT_AFTER_ROWS, int(FRESH_SHARE * count))
    changed = changes.values("document_id")
    fresh = vectors.live_embeddings(version).filter(chunk__document__in=changed)
    return fresh[: enough + 1].count() > enough
