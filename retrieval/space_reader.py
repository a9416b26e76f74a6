"""What one process holds of a space version: its snapshot, and the fresh rows beside it.

A state is never changed, only replaced, so that searches run on without a lock while another
thread catches up. What counts is the database's revision; the snapshot is only a head start:
documents that changed after it are hidden there and searched exactly from the fresh rows.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.db import DatabaseError, connection

from retrieval import background, building, changes, index_plan, snapshots, vectors
from retrieval.candidates import Candidate, CandidateFilter, IndexNotReady
from retrieval.changes import ChangesPruned
from retrieval.index_folders import current_name, folder_of
from retrieval.models import SpaceVersion
from retrieval.per_version import PerVersion
from retrieval.rows import DEAD
from retrieval.similarity import similarities, top
from retrieval.snapshots import Snapshot, SnapshotUnusable
from retrieval.vectors import VectorBatch

logger = logging.getLogger(__name__)

# Reading so many rows takes a second or two; more are read in the background.
LOAD_AT_ONCE = 50_000
WAIT_SECONDS = 5.0


class TooFarBehind(Exception):
    """So many rows have changed that reading them would hold up a search."""


@dataclass(frozen=True, slots=True)
class SpaceState:
    """Complete up to `revision`. Rows of the snapshot count where `in_snapshot` is true."""

    revision: int
    metric: str
    fresh: VectorBatch
    snapshot: Snapshot | None = None
    changed: frozenset[int] = frozenset()
    in_snapshot: np.ndarray | None = None

    @property
    def deleted(self) -> int:
        """Rows of the snapshot that are out of date."""
        if self.snapshot is None:
            return 0
        dead = self.snapshot.rows.of_documents([*self.changed, DEAD])
        return int(np.count_nonzero(dead))

    @property
    def count(self) -> int:
        held = len(self.snapshot.rows) if self.snapshot else 0
        return held - self.deleted + len(self.fresh.rows)

    @property
    def memory_bytes(self) -> int:
        parts: list[tuple[float, int]] = [(self.fresh.vectors.nbytes, len(self.fresh.rows))]
        if self.snapshot:
            index, rows = self.snapshot.index, len(self.snapshot.rows)
            parts.append((index.bytes_per_vector * rows, rows))
        # Chunk and document ids, kind, page, and whether it counts.
        return int(sum(taken + rows * (8 + 8 + 1 + 4 + 1) for taken, rows in parts))

    def search(
        self,
        query: np.ndarray,
        *,
        limit: int,
        where: CandidateFilter,
        ef_search: int | None,
        exact: bool,
    ) -> list[Candidate]:
        """Merge the best of the snapshot with the best of the fresh rows."""
        found = self._search_fresh(query, limit, where)
        if self.snapshot is not None:
            allowed = self.snapshot.rows.allowed(where)
            if self.in_snapshot is not None:
                allowed &= self.in_snapshot
            numbers, scores = self.snapshot.index.search(
                query,
                limit=limit,
                allowed=None if allowed.all() else allowed,
                ef_search=ef_search,
                exact=exact,
            )
            found += _candidates(self.snapshot.rows.chunks[numbers], scores)
        return sorted(found, key=lambda hit: (-hit.score, hit.chunk_id))[:limit]

    def _search_fresh(
        self, query: np.ndarray, limit: int, where: CandidateFilter
    ) -> list[Candidate]:
        numbers = np.flatnonzero(self.fresh.rows.allowed(where))
        if 4 * len(numbers) > len(self.fresh.rows):
            # Picking rows out costs more than scoring the others as well.
            scores = similarities(query, self.fresh.vectors, self.metric)[numbers]
        else:
            scores = similarities(query, self.fresh.vectors, self.metric, numbers)
        best = top(scores, limit)
        return _candidates(self.fresh.rows.chunks[numbers[best]], scores[best])


def _candidates(chunks: np.ndarray, scores: np.ndarray) -> list[Candidate]:
    pairs = zip(chunks.tolist(), scores.tolist(), strict=True)
    return [Candidate(chunk, score) for chunk, score in pairs]


class SpaceReader:
    """Keeps one space version's state in step with the database and the index folder."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: SpaceState | None = None
        self._seen_name = ""
        self._waiting: SpaceState | None = None
        self._loader: threading.Thread | None = None

    @property
    def state(self) -> SpaceState | None:
        """The state as it was last needed; None before the first search."""
        return self._state

    def current(self, version: SpaceVersion) -> SpaceState:
        """Return a state that holds everything up to `version.revision`.

        Costs no query when nothing has changed: read the version fresh for each search.
        Raises IndexNotReady while a large space without a snapshot is read, or many rows that
        this process is behind.
        """
        state = self._state or self._first_state(version)
        self._notice_new_snapshot(version)
        if state.revision >= version.revision and self._waiting is None:
            return state
        try:
            return self._follow(version, state)
        except ChangesPruned:
            logger.info("%s is loaded anew: this process was too far behind.", version)
        self._start_anew(version)
        try:
            return self._follow(version, self._first_state(version))
        except ChangesPruned as exc:
            raise IndexNotReady("It is being loaded; try again in a moment.") from exc

    def _start_anew(self, version: SpaceVersion) -> None:
        """Forget the state, for that of a snapshot that is just being loaded where there is one."""
        if self._loader is not None:
            self._loader.join(WAIT_SECONDS)
        with self._lock:
            self._state, self._waiting = self._waiting, None

    def _follow(self, version: SpaceVersion, state: SpaceState) -> SpaceState:
        """Catch up here if little is behind, else in the background.

        Raises ChangesPruned, and IndexNotReady while the background is at it.
        """
        try:
            return self._advance(version, state)
        except TooFarBehind:
            self._read_behind(version)
        try:
            return self._advance(version, state)
        except TooFarBehind as exc:
            raise IndexNotReady(
                "Many new vectors are being read from the database; try again soon."
            ) from exc

    def _advance(self, version: SpaceVersion, state: SpaceState) -> SpaceState:
        with self._lock:
            self._state = self._caught_up(version, self._state or state)
            return self._state

    def _caught_up(self, version: SpaceVersion, state: SpaceState) -> SpaceState:
        state = self._waiting or state
        if state.revision < version.revision:
            if building.are_more_behind(version, state.revision, than=LOAD_AT_ONCE):
                raise TooFarBehind
            state = catch_up(state, version)
        self._waiting = None
        return state

    def _read_behind(self, version: SpaceVersion) -> None:
        """Have a thread catch up without a limit, and give it, or what is loading, a moment."""
        with self._lock:
            if not self._is_loading():
                self._start(self._catch_up, "follow", version)
            loader = self._loader
        if loader is not None:
            loader.join(WAIT_SECONDS)

    def _catch_up(self, version: SpaceVersion) -> None:
        with self._lock:
            began = self._waiting or self._state
        if began is None:
            return
        try:
            state = catch_up(began, version)
        except ChangesPruned:
            state = None  # The next search starts anew.
        finally:
            connection.close()
        with self._lock:
            # A snapshot that was loaded meanwhile takes precedence: it is loaded only once.
            if (self._waiting or self._state) is began:
                self._state, self._waiting = state, None

    def _first_state(self, version: SpaceVersion) -> SpaceState:
        with self._lock:
            if self._state is None and not self._is_loading():
                self._begin(version)
        if self._loader is not None and self._state is None:
            self._loader.join(WAIT_SECONDS)
        state = self._state
        if state is None:
            raise IndexNotReady("Its vectors are being read from the database; try again soon.")
        return state

    def _is_loading(self) -> bool:
        return self._loader is not None and self._loader.is_alive()

    def _begin(self, version: SpaceVersion) -> None:
        """Start from the snapshot, else from the rows, which for a large space takes a while."""
        folder = folder_of(version)
        self._seen_name = current_name(folder)
        snapshot = _load_or_ask_for_another(folder, version)
        if snapshot is not None and _leads_to_now(snapshot, version):
            self._state = _on_snapshot(snapshot, version)
            return
        if building.is_due(version):
            background.request_once("build_snapshot", version.pk)
        if vectors.live_embeddings(version)[: LOAD_AT_ONCE + 1].count() <= LOAD_AT_ONCE:
            self._state = _from_rows(version)
            return
        self._start(self._read_rows, "read", version)

    def _start(
        self, read: Callable[[SpaceVersion], None], verb: str, version: SpaceVersion
    ) -> None:
        name = f"{verb}-{version.space}"
        self._loader = threading.Thread(target=read, args=(version,), name=name, daemon=True)
        self._loader.start()

    def _read_rows(self, version: SpaceVersion) -> None:
        try:
            self._state = _from_rows(version)
        finally:
            connection.close()

    def _notice_new_snapshot(self, version: SpaceVersion) -> None:
        """Load a snapshot that has just been switched to, while the old state still answers."""
        name = current_name(folder_of(version))
        if name == self._seen_name:
            return
        with self._lock:
            if name == self._seen_name:
                return
            self._seen_name = name
            self._start(self._load, "load", version)

    def _load(self, version: SpaceVersion) -> None:
        snapshot = _load_or_ask_for_another(folder_of(version), version)
        if snapshot is None and not self._seen_name:
            # The folder was deleted; what is in memory stays right, but the next start is slow.
            background.request_once("build_snapshot", version.pk)
        state = None if snapshot is None else _brought_on(snapshot, version)
        with self._lock:
            self._waiting = state

    def wait_for_loader(self) -> None:
        """Return once a snapshot that is being loaded is there."""
        if self._loader is not None:
            self._loader.join()


def _load_or_ask_for_another(folder: Path, version: SpaceVersion) -> Snapshot | None:
    try:
        return snapshots.load(folder, building.identity_of(version))
    except SnapshotUnusable as exc:
        logger.warning("%s is rebuilt: %s.", version, exc)
        background.request_once("build_snapshot", version.pk)
        return None


def _from_rows(version: SpaceVersion) -> SpaceState:
    return SpaceState(version.revision, version.metric, vectors.all_of(version))


def _leads_to_now(snapshot: Snapshot, version: SpaceVersion) -> bool:
    """Tell whether the recorded changes lead from the snapshot to the database as it is.

    They do not from a snapshot that is newer, where the database was set back to a copy, nor
    from one that is older than the changes that are kept.
    """
    rows = SpaceVersion.objects.values_list("pruned_to", "revision")
    first, last = rows.get(pk=version.pk)
    if first <= snapshot.manifest.revision <= last:
        return True
    logger.warning("%s is rebuilt: its snapshot is too old, or not of this database.", version)
    background.request_once("build_snapshot", version.pk)
    return False


def _on_snapshot(snapshot: Snapshot, version: SpaceVersion) -> SpaceState:
    fresh = vectors.joined([], version.dimension)
    # As the settings are now, which may have changed since the index was built.
    snapshot.index.search_as(index_plan.plan(version.index_settings, len(snapshot.rows)))
    return SpaceState(snapshot.manifest.revision, version.metric, fresh, snapshot)


def _brought_on(snapshot: Snapshot, version: SpaceVersion) -> SpaceState:
    """Catch up from the snapshot in its loader's thread, so that little is left for a search."""
    state = _on_snapshot(snapshot, version)
    if state.revision >= version.revision:
        return state
    try:
        return catch_up(state, version)
    except (ChangesPruned, DatabaseError) as exc:
        logger.info("The new snapshot of %s is left to a search: %r", version, exc)
        return state
    finally:
        connection.close()


def catch_up(state: SpaceState, version: SpaceVersion) -> SpaceState:
    """Load again every document that has changed since the state's revision.

    Raises ChangesPruned.
    """
    behind = changes.since(version, state.revision)
    loaded = vectors.of_documents(version, list(behind))
    keep = ~state.fresh.rows.of_documents(behind)
    kept = VectorBatch(state.fresh.rows.take(keep), state.fresh.vectors[keep])
    fresh = vectors.joined([kept, loaded], version.dimension)
    # A document that changed again meanwhile carries a later revision than was asked for:
    # revisions become visible in order, so everything up to the highest one seen is held.
    revision = max([version.revision, *behind.values()])
    changed = state.changed | frozenset(behind)
    return SpaceState(
        revision, version.metric, fresh, state.snapshot, changed, _valid(state.snapshot, changed)
    )


def _valid(snapshot: Snapshot | None, changed: frozenset[int]) -> np.ndarray | None:
    if snapshot is None or not changed:
        return None
    return ~snapshot.rows.of_documents(changed)


_readers = PerVersion(SpaceReader)
reader_of = _readers.of
forget_all = _readers.clear
