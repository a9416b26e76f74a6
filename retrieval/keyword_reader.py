"""The keyword index as one process has it open, and how it follows the database.

A process that finds the index behind brings it up to date itself when little is missing, so
that a document is found as soon as it is ready; a large gap is left to the workers.
"""

from __future__ import annotations

import logging
import threading
import time

from ingestion.errors import TransientError
from retrieval import background, changes, index_folders, leases
from retrieval.candidates import IndexNotReady
from retrieval.changes import ChangesPruned
from retrieval.index_folders import folder_of
from retrieval.keyword_building import build, catch_up, live_chunks, open_named
from retrieval.keyword_index import KeywordIndex, KeywordIndexDamaged, WriterBusy
from retrieval.models import SpaceVersion
from retrieval.per_version import PerVersion

logger = logging.getLogger(__name__)

# So many chunks are indexed in about half a second, within somebody's search.
AT_ONCE = 3000
WAIT_FOR_BUILDER_SECONDS = 2.0


class KeywordReader:
    """Keeps the index of one version open, and in step."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._name = ""
        self._index: KeywordIndex | None = None

    @property
    def index(self) -> KeywordIndex | None:
        """The index as it was last needed; None before that."""
        return self._index

    def current(self, version: SpaceVersion) -> KeywordIndex:
        """Return the index, up to date unless much is missing. Raises IndexNotReady."""
        with self._lock:
            index = self._on_disk(version) or self._built_here(version)
            if index is None:
                background.request_once("refresh_keywords", version.pk)
                index = self._index  # Its files are gone, but what is in memory still answers.
            if index is None:
                raise IndexNotReady("It is being rebuilt.")
            _follow(version, index)
            return index

    def glance(self, version: SpaceVersion) -> KeywordIndex | None:
        """Return the index as it is on disk now, without changing it; None when there is none."""
        with self._lock:
            index = self._on_disk(version)
            if index is not None and index.revision < version.revision:
                index.reload()
            return index

    def refresh(self, version: SpaceVersion) -> None:
        """Bring the index on disk up to date, whatever that takes.

        Raises TransientError when another process is at it, or the disk does not take it.
        """
        with self._lock:
            index = self._on_disk(version)
            if index is None:
                build(version)
                return
            try:
                catch_up(version, index)
            except WriterBusy as exc:
                raise TransientError("Another process is writing the keyword index.") from exc
            except (KeywordIndexDamaged, ChangesPruned) as exc:
                logger.warning("%s is rebuilt: %s.", version, exc)
                build(version)

    def _on_disk(self, version: SpaceVersion) -> KeywordIndex | None:
        """Return what is on disk, opened and verified unless it is what is open already."""
        name = index_folders.current_name(folder_of(version))
        if self._index is not None and self._name == name:
            return self._index
        index = open_named(version, name)
        if index is not None:
            self._index, self._name = index, name
        return index

    def _built_here(self, version: SpaceVersion) -> KeywordIndex | None:
        """Build a small index on the spot; None when it is too large for that."""
        if live_chunks()[: AT_ONCE + 1].count() > AT_ONCE:
            return None
        try:
            build(version)
        except leases.LeaseLost:
            _wait_for_the_builder(version)
        except TransientError as exc:
            logger.warning("The keyword index could not be built within a search: %s", exc)
            return None
        return self._on_disk(version)


def _wait_for_the_builder(version: SpaceVersion) -> None:
    deadline = time.monotonic() + WAIT_FOR_BUILDER_SECONDS
    while not index_folders.current_name(folder_of(version)) and time.monotonic() < deadline:
        time.sleep(0.05)


def _follow(version: SpaceVersion, index: KeywordIndex) -> None:
    if index.revision >= version.revision:
        return
    try:
        index.reload()
        if index.revision >= version.revision:
            return
        behind = changes.since(version, index.revision)
        if live_chunks(list(behind))[: AT_ONCE + 1].count() <= AT_ONCE:
            catch_up(version, index)
            return
    except (WriterBusy, KeywordIndexDamaged, ChangesPruned) as exc:
        logger.info("The keyword index is left to the workers: %r", exc)
    background.request_once("refresh_keywords", version.pk)


_readers = PerVersion(KeywordReader)
reader_of = _readers.of
forget_all = _readers.clear
