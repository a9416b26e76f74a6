"""Let go of rows that no search, no index and no roll-back needs any more.

Of each space, what was searched before the live version is kept to roll back to; the vectors of
the other retired versions go. Records of changes go where their document is deleted and the
index on disk is past them: one row per document and version that is there stays, and nothing
else.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from ingestion.models import Document
from retrieval import building, index_folders, keyword_reader, keywords, snapshots
from retrieval.keyword_index import KeywordIndexDamaged
from retrieval.models import Embedding, IndexChange, SpaceVersion, SpaceVersionState

logger = logging.getLogger(__name__)

# Few enough that a writer who waits for the database hardly notices.
ROWS_AT_ONCE = 2000
# A process that is behind what is pruned loads its index anew, so it is not done for a few rows.
PRUNE_FROM = 1000


def prune(*, until: float = inf) -> None:
    """Delete what is not needed, in batches, until the clock (time.monotonic) says stop.

    Safe beside searches, uploads, switches and roll-backs, and in several processes.
    """
    discard_old_versions()
    for version in SpaceVersion.objects.filter(state=SpaceVersionState.DISCARDED):
        shutil.rmtree(index_folders.folder_of(version), ignore_errors=True)
        _delete(Embedding.objects.filter(space_version=version), until)
    unused = [SpaceVersionState.RETIRED, SpaceVersionState.DISCARDED]
    for version in SpaceVersion.objects.filter(state__in=unused):
        # Nothing catches up on them: a version that comes back does so under another uuid.
        changes = IndexChange.objects.filter(space_version=version)
        _delete(changes, until, allowed=partial(_is_still, version, unused))
    for version in SpaceVersion.objects.fed():
        _prune_changes(version, until)


def discard_old_versions() -> None:
    """Give up the retired versions that a roll-back would not come to next."""
    for space in SpaceVersion.objects.order_by("space").values_list("space", flat=True).distinct():
        with transaction.atomic():
            versions = SpaceVersion.objects.filter(space=space).order_by("pk")
            locked = list(versions.select_for_update(no_key=True))
            for version in _not_needed(locked):
                version.state = SpaceVersionState.DISCARDED
                version.save(update_fields=["state"])
                logger.info("%s is given up: its vectors are deleted.", version)


def _not_needed(versions: list[SpaceVersion]) -> list[SpaceVersion]:
    live = next((one for one in versions if one.state == SpaceVersionState.LIVE), None)
    retired = [one for one in versions if one.state == SpaceVersionState.RETIRED]
    if live is None:
        return []
    kept = SpaceVersion.objects.before(live) if retired else None
    return [one for one in retired if one != kept]


def _is_still(version: SpaceVersion, states: list[SpaceVersionState]) -> bool:
    rows = SpaceVersion.objects.select_for_update(no_key=True).filter(pk=version.pk)
    return rows.values_list("state", flat=True).first() in states


def _delete(
    rows: QuerySet[Any], until: float, *, allowed: Callable[[], bool] = lambda: True
) -> int:
    """Delete rows, each batch in a transaction of its own, while `allowed` says so within it."""
    deleted = 0
    while time.monotonic() < until:
        with transaction.atomic():
            if not allowed():
                break
            ids = list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_AT_ONCE])
            # The condition is asked again: a row may have changed since it was chosen.
            rows.filter(pk__in=ids).delete()
        deleted += len(ids)
        if len(ids) < ROWS_AT_ONCE:
            break
    return deleted


# --- the changes of versions in use ------------------------------------------------------------


def _prune_changes(version: SpaceVersion, until: float) -> None:
    """Delete the records of deleted documents up to what the index on disk holds.

    The mark is set before the first row goes: a process or an index that is behind it starts
    from the rows themselves, see changes.since.
    """
    revision = _indexed_revision(version)
    if revision is None:
        return
    rows = _of_deleted_documents(version).filter(revision__lte=revision)
    if revision > version.pruned_to:
        if rows[:PRUNE_FROM].count() < PRUNE_FROM:
            return
        older = SpaceVersion.objects.filter(pk=version.pk, pruned_to__lt=revision)
        older.update(pruned_to=revision)
    if deleted := _delete(rows, until):
        logger.info("Deleted %d records of changes of %s.", deleted, version)


def _of_deleted_documents(version: SpaceVersion) -> QuerySet[IndexChange]:
    held = Document.objects.filter(pk=OuterRef("document_id"))
    return IndexChange.objects.filter(~Exists(held), space_version=version)


def _indexed_revision(version: SpaceVersion) -> int | None:
    """Return up to where the index on disk is complete; None when that cannot be relied on.

    A space so small that it has no snapshot is read from its rows as they are now.
    """
    if version.space == keywords.SPACE:
        return _keyword_revision(version)
    if building.is_due(version):
        return None
    folder = index_folders.folder_of(version)
    name = index_folders.current_name(folder)
    try:
        return snapshots.read_manifest(folder / name).revision if name else version.revision
    except (OSError, ValueError):
        return None


def _keyword_revision(version: SpaceVersion) -> int | None:
    try:
        index = keyword_reader.reader_of(version).glance(version)
    except KeywordIndexDamaged:
        return None
    return index.revision if index is not None else None
