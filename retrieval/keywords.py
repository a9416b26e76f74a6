"""Search chunks by their words, and keep the keyword index in step with the database.

The index is a version of the space "keywords": the chunks' text is its truth. A process that
finds it behind brings it up to date itself when little is missing, so that a document is
found as soon as it is ready; a large gap is left to the workers.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone

from ingestion.errors import TransientError
from ingestion.models import Chunk
from retrieval import background, index_folders, leases
from retrieval.candidates import Candidate, CandidateFilter, IndexNotReady
from retrieval.index_folders import MANIFEST_FILE, folder_of
from retrieval.keyword_index import (
    KeywordEntry,
    KeywordIndex,
    KeywordIndexDamaged,
    WriterBusy,
)
from retrieval.models import IndexChange, SpaceVersion

logger = logging.getLogger(__name__)

SPACE = "keywords"
# So many chunks are indexed in about half a second, within somebody's search.
AT_ONCE = 3000
WAIT_FOR_WRITER_SECONDS = 2.0
DOCUMENTS_PER_COMMIT = 200
ROWS_PER_BATCH = 500

BEHIND = (
    "The keyword index is catching up: documents added a moment ago may not be found by their "
    "words yet."
)
REBUILDING = "It is being rebuilt."


@dataclass(slots=True)
class _Open:
    """The index that this process has open, and which one on disk it is."""

    version: SpaceVersion
    name: str
    index: KeywordIndex


_open: _Open | None = None
_lock = threading.Lock()


def search(
    query: str, *, limit: int, where: CandidateFilter, version: SpaceVersion | None = None
) -> list[Candidate]:
    """Return the chunks that best match the query's words, best first.

    The query is plain text: nothing in it is syntax. Searches `version` as it was just read
    from the database, else the live one. Raises IndexNotReady while the index is rebuilt.
    """
    version = version or SpaceVersion.objects.live().filter(space=SPACE).first()
    if version is None or where.finds_nothing or not query.strip():
        return []
    return current(version).search(query, limit=limit, where=where)


def lag(version: SpaceVersion) -> str:
    """Say in a sentence what the search just made may have missed; empty when nothing.

    Costs no query.
    """
    held = _open
    if held is None or held.version.uuid != version.uuid:
        return ""
    return BEHIND if held.index.revision < version.revision else ""


@dataclass(frozen=True, slots=True)
class Report:
    """Chunks in the index, how many it still lacks, and what that means in a sentence."""

    chunks: int
    missing: int
    condition: str


def report(version: SpaceVersion) -> Report:
    """Look at the index, and change nothing."""
    name = index_folders.current_name(folder_of(version))
    held = _open if _open and _open.version.uuid == version.uuid else None
    if held is None or held.name != name:
        held = _open_from_disk(version, name)
    if held is None:
        missing = _live_chunks().count()
        return Report(0, missing, REBUILDING if missing else "")
    if held.index.revision >= version.revision:
        return Report(held.index.count, 0, "")
    changed = list(_changed_since(version, held.index.revision))
    missing = _live_chunks(changed).count()
    return Report(held.index.count, missing, BEHIND if missing else "")


def current(version: SpaceVersion) -> KeywordIndex:
    """Return the version's index, up to date unless much is missing. Raises IndexNotReady."""
    global _open
    with _lock:
        _open = _reopened(version, _open)
        _bring_up_to_date(_open)
        return _open.index


def forget() -> None:
    """Close the index, as a restart of the process does."""
    global _open
    with _lock:
        _open = None


def _reopened(version: SpaceVersion, held: _Open | None) -> _Open:
    name = index_folders.current_name(folder_of(version))
    if held is not None and held.version.uuid == version.uuid:
        held.version = version
        if held.name == name:
            return held
    else:
        held = None
    opened = _open_from_disk(version, name) or _built_here(version)
    if opened is None:
        background.request_once("refresh_keywords", version.pk)
        opened = held  # Its files are gone, but what is in memory still answers.
    if opened is None:
        raise IndexNotReady(REBUILDING)
    return opened


def _open_from_disk(version: SpaceVersion, name: str) -> _Open | None:
    """Open the named index; None when there is none, or none that may be served."""
    place = folder_of(version) / name
    if not name or not _is_of(version, place):
        return None
    try:
        return _Open(version, name, KeywordIndex.open(place))
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


def _built_here(version: SpaceVersion) -> _Open | None:
    """Build a small index on the spot; None when it is too large for that, or being built."""
    if _live_chunks()[: AT_ONCE + 1].count() > AT_ONCE:
        return None
    try:
        build(version)
    except TransientError as exc:
        logger.warning("The keyword index could not be built within a search: %s", exc)
        return None
    return _open_from_disk(version, index_folders.current_name(folder_of(version)))


def _bring_up_to_date(held: _Open) -> None:
    if held.index.revision >= held.version.revision:
        return
    try:
        held.index.reload()
        if held.index.revision >= held.version.revision:
            return
        behind = _changed_since(held.version, held.index.revision)
        if _live_chunks(list(behind))[: AT_ONCE + 1].count() <= AT_ONCE:
            catch_up(held.version, held.index)
            return
    except (WriterBusy, KeywordIndexDamaged) as exc:
        logger.info("The keyword index is left to the workers: %r", exc)
    background.request_once("refresh_keywords", held.version.pk)


def _changed_since(version: SpaceVersion, revision: int) -> dict[int, int]:
    changes = IndexChange.objects.filter(space_version=version, revision__gt=revision)
    return dict(changes.order_by("revision").values_list("document_id", "revision"))


def catch_up(version: SpaceVersion, index: KeywordIndex) -> None:
    """Index again the documents that have changed since the index's revision.

    In the order of their changes and some at a time, each commit with the revision that it
    reaches. Raises WriterBusy when another writer does not finish, KeywordIndexDamaged.
    """
    deadline = time.monotonic() + WAIT_FOR_WRITER_SECONDS
    while changed := _changed_since(version, index.revision):
        some = list(changed.items())[:DOCUMENTS_PER_COMMIT]
        ids = [document_id for document_id, _ in some]
        try:
            index.replace(ids, _entries(_live_chunks(ids)), revision=some[-1][1])
        except WriterBusy:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
            index.reload()


def refresh(version: SpaceVersion) -> None:
    """Bring the index on disk up to date, whatever that takes.

    Raises TransientError when another process is at it, or the disk does not take it.
    """
    held = _open_from_disk(version, index_folders.current_name(folder_of(version)))
    if held is None:
        build(version)
        return
    try:
        catch_up(version, held.index)
    except WriterBusy as exc:
        raise TransientError("Another process is writing the keyword index.") from exc
    except KeywordIndexDamaged as exc:
        logger.warning("%s is rebuilt: %s.", version, exc)
        build(version)


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
    def entries() -> Iterator[KeywordEntry]:
        for entry in _entries(_live_chunks()):
            lease.renew()
            yield entry

    KeywordIndex.create(place).replace([], entries(), revision=version.revision)
    (place / MANIFEST_FILE).write_text(json.dumps(_manifest(version)))


def _live_chunks(document_ids: Sequence[int] | None = None) -> QuerySet[Chunk]:
    live = Chunk.objects.live()
    return live if document_ids is None else live.filter(document__in=document_ids)


def _entries(chunks: QuerySet[Chunk]) -> Iterator[KeywordEntry]:
    fields = ("document_id", "kind", "page_number", "heading_path", "caption", "text", "references")
    for chunk in chunks.only(*fields).iterator(chunk_size=ROWS_PER_BATCH):
        yield KeywordEntry(
            chunk.pk, chunk.document_id, chunk.kind, chunk.page_number, chunk.context_text
        )
