"""Build the keyword index from the database, and bring it up to date."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone

from ingestion.errors import TransientError
from ingestion.models import Chunk
from retrieval import changes, index_folders, leases
from retrieval.index_folders import MANIFEST_FILE, folder_of
from retrieval.keyword_index import KeywordEntry, KeywordIndex, KeywordIndexDamaged, WriterBusy
from retrieval.keyword_text import name_words
from retrieval.models import SpaceVersion

logger = logging.getLogger(__name__)

WAIT_FOR_WRITER_SECONDS = 2.0
DOCUMENTS_PER_COMMIT = 200
ROWS_PER_BATCH = 500


def build(version: SpaceVersion) -> None:
    """Build the index anew beside the current one, then switch to it.

    Raises LeaseLost when another process is at it, and TransientError when the disk does not
    take it.
    """
    folder = folder_of(version)
    with leases.writing(version) as lease:
        # Read before the rows: what changes while they are read is caught up on later.
        version.refresh_from_db()
        try:
            with index_folders.workplace(folder) as place:
                _build(version, place, lease)
                lease.confirm()
                index_folders.switch_to(place)
        except (OSError, KeywordIndexDamaged) as exc:
            raise TransientError(f"The index folder {folder} cannot be written: {exc}.") from exc
        SpaceVersion.objects.filter(pk=version.pk).update(last_built_at=timezone.now())


def _build(version: SpaceVersion, place: Path, lease: leases.Lease) -> None:
    total = live_chunks().count()

    def entries() -> Iterator[KeywordEntry]:
        for number, entry in enumerate(_entries(live_chunks()), start=1):
            lease.renew(number / max(total, number))
            yield entry

    KeywordIndex.create(place).replace([], entries(), revision=version.revision)
    (place / MANIFEST_FILE).write_text(json.dumps(_manifest(version)))


def open_named(version: SpaceVersion, name: str) -> KeywordIndex | None:
    """Open and verify an index of the version; None when it may not be served, or is not there."""
    place = folder_of(version) / name
    if not name or not _is_of(version, place):
        return None
    try:
        return KeywordIndex.open(place)
    except KeywordIndexDamaged as exc:
        logger.warning("%s is rebuilt: %s.", version, exc)
        return None


def _is_of(version: SpaceVersion, place: Path) -> bool:
    try:
        return json.loads((place / MANIFEST_FILE).read_text()) == _manifest(version)
    except (OSError, ValueError):
        return False


def _manifest(version: SpaceVersion) -> dict[str, str]:
    return {"version": str(version.uuid), "analyzer": version.model}


def catch_up(version: SpaceVersion, index: KeywordIndex) -> None:
    """Index again the documents that have changed since the index's revision.

    In the order of their changes and some at a time, each commit with the revision that it
    reaches. Raises WriterBusy when another writer does not finish, KeywordIndexDamaged, and
    ChangesPruned when the index is too old to catch up.
    """
    deadline = time.monotonic() + WAIT_FOR_WRITER_SECONDS
    while changed := changes.since(version, index.revision):
        some = list(changed.items())[:DOCUMENTS_PER_COMMIT]
        ids = [document_id for document_id, _ in some]
        try:
            index.replace(ids, _entries(live_chunks(ids)), revision=some[-1][1])
        except WriterBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
            index.reload()


def live_chunks(document_ids: Sequence[int] | None = None) -> QuerySet[Chunk]:
    live = Chunk.objects.live()
    return live if document_ids is None else live.filter(document__in=document_ids)


def _entries(chunks: QuerySet[Chunk]) -> Iterator[KeywordEntry]:
    own = ("document_id", "kind", "page_number", "heading_path", "caption", "text", "references")
    fields = (*own, "document__title", "document__filename")
    rows = chunks.select_related("document").only(*fields)
    for chunk in rows.iterator(chunk_size=ROWS_PER_BATCH):
        named = name_words(chunk.document.title, chunk.document.filename)
        text = f"{chunk.context_text}\n{named}"
        yield KeywordEntry(chunk.pk, chunk.document_id, chunk.kind, chunk.page_number, text)
