"""Keep a collection in step with folders: look, compare, submit, move and delete.

Events only say when to look; a look is always at everything, so that nothing is missed.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import math
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from django.contrib.auth.models import User

from ingestion import documents, folders
from ingestion.folder_plan import Held, plan
from ingestion.folders import Outcome
from ingestion.models import Collection, Document

# A file that did not change for so long is finished, if no program has it open.
SETTLE_SECONDS = 2.0
TICK_MS = 1000
# Looked at even if nothing was heard: a network drive tells nothing.
LOOK_SECONDS = 60
# Refusals that may be over after as long again.
PASSING = ("busy", "disk_full")


@dataclass(frozen=True, slots=True)
class Change:
    """What was done: a file submitted (or refused), moved, or its document deleted."""

    kind: str
    path: Path
    outcome: Outcome | None = None


@dataclass(slots=True)
class _File:
    """A file as it was last seen; `since` is when it was first seen so, with this size and mark.

    `sha256` is None until it is finished, and empty where it is nothing that is taken. Until
    then `may_be_taken` says whether it looks like a document so far.
    """

    size: int
    mark: tuple[int, ...]
    since: float
    may_be_taken: bool
    sha256: str | None = None

    @property
    def is_awaited(self) -> bool:
        """Tell whether it may become a document: not a log or a database that stays open."""
        return self.sha256 is None and self.may_be_taken


@dataclass
class Watched:
    """Folders and what is known of their files; `unsettled` says to look again soon."""

    roots: Sequence[Path]
    collection: Collection
    owner: User
    unsettled: bool = True
    _files: dict[Path, _File] = field(default_factory=dict)
    # What was refused, and until when it is not submitted again.
    _refused: dict[Path, tuple[str, float]] = field(default_factory=dict)
    _gone: set[int] = field(default_factory=set)

    def look(self) -> Iterator[Change]:
        """Bring the collection in step with what is there now; yield what was done."""
        self.unsettled = False
        unreadable: list[Path] = []
        files = self._look_at_files(unreadable)
        held = self._held()
        self.unsettled |= any(
            files.get(one.path, one.sha256) != one.sha256
            and not self._is_refused(one.path, files[one.path])
            for one in held
        )
        todo = plan(
            files,
            held,
            unfinished={file.size for file in self._files.values() if file.is_awaited},
            is_out_of_sight=self._is_out_of_sight(files, unreadable),
        )
        yield from self._move(todo.move)
        yield from self._delete(self._gone_for_good(todo.delete), held)
        for path in todo.submit:
            if not self._is_refused(path, files[path]):
                yield self._submit(path, files[path] or "")

    # --- files -------------------------------------------------------------------------------

    def _look_at_files(self, unreadable: list[Path]) -> dict[Path, str | None]:
        seen = {}
        for root in self.roots:
            for path in folders.walk(root, unreadable=unreadable):
                try:
                    seen[path] = self._seen(path)
                except FileNotFoundError:
                    continue
                except OSError:
                    unreadable.append(path)
        self._files = seen
        return {path: file.sha256 for path, file in seen.items() if file.sha256 != ""}

    def _seen(self, path: Path) -> _File:
        status = path.stat()
        size = status.st_size
        mark = (size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        file = self._files.get(path)
        if file is None or file.mark != mark:
            file = _File(size, mark, time.monotonic(), folders.is_document(path))
        elif file.sha256 is None and self._is_finished(path, file):
            file.sha256 = _sha256(path) if folders.is_document(path) else ""
        self.unsettled |= file.is_awaited
        return file

    @staticmethod
    def _is_finished(path: Path, file: _File) -> bool:
        settled = time.monotonic() - file.since >= SETTLE_SECONDS
        return settled and not is_being_written(path)

    def _is_out_of_sight(
        self, files: dict[Path, str | None], unreadable: list[Path]
    ) -> Callable[[Path], bool]:
        """Where nothing is to be seen at all, a drive may not be mounted: delete nothing."""
        empty = [
            root for root in self.roots if not any(path.is_relative_to(root) for path in files)
        ]
        blind = [*unreadable, *empty]
        return lambda path: any(path.is_relative_to(folder) for folder in blind)

    # --- documents ---------------------------------------------------------------------------

    def _held(self) -> list[Held]:
        watched = self.collection.documents.exclude(source_path="").order_by("pk")
        return [
            Held(one.pk, Path(one.source_path), one.sha256, one.size_bytes, one.is_active)
            for one in watched.only("source_path", "sha256", "size_bytes", "state")
            if any(Path(one.source_path).is_relative_to(root) for root in self.roots)
        ]

    def _move(self, moves: Sequence[tuple[int, Path]]) -> Iterator[Change]:
        for pk, path in moves:
            Document.objects.filter(pk=pk).update(source_path=str(path), filename=path.name)
            yield Change("moved", path)

    def _gone_for_good(self, pks: Sequence[int]) -> list[int]:
        """Return what was to be deleted at the last look already.

        A look takes a while: a file that is moved meanwhile may be seen at neither place.
        """
        twice = [pk for pk in pks if pk in self._gone]
        self._gone = set(pks)
        self.unsettled |= len(twice) < len(pks)
        return twice

    def _delete(self, pks: Sequence[int], held: Sequence[Held]) -> Iterator[Change]:
        paths = {document.pk: document.path for document in held}
        for document in Document.objects.filter(pk__in=pks):
            # Once it is deleted it has no number.
            change = Change("deleted", paths[document.pk])
            documents.delete(document)
            yield change

    def _submit(self, path: Path, sha256: str) -> Change:
        outcome = folders.submit(
            path, collection=self.collection, owner=self.owner, source_path=str(path)
        )
        if outcome.refused:
            passes = outcome.refused.code in PASSING
            self._refused[path] = (sha256, time.monotonic() + LOOK_SECONDS if passes else math.inf)
        else:
            self.unsettled = True
        return Change("submitted", path, outcome)

    def _is_refused(self, path: Path, sha256: str | None) -> bool:
        refused, until = self._refused.get(path, (None, 0.0))
        return sha256 is not None and refused == sha256 and time.monotonic() < until


def is_being_written(path: Path) -> bool:
    """Tell whether a program has the file open for writing, where the system tells.

    The kernel grants a read lease on a file only while nobody can write it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        # Who opens it for writing just now has this signal sent to us; by default it is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as exc:
        # Others: a drive without leases, or the file of another user.
        return exc.errno == errno.EAGAIN
    except AttributeError:
        return False
    finally:
        os.close(descriptor)
    return False


def _sha256(path: Path) -> str:
    # No document has such a sum, so that the file is submitted, which says what is the matter.
    if not folders.is_utf8(str(path)):
        return "unreadable: its name"
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        return f"unreadable: {exc.strerror}"


def follow(watched: Watched, *, stop: Event | None = None) -> Iterator[Change | None]:
    """Look whenever something changed, for ever; yield what was done, and None at each tick."""
    import watchfiles

    yield from watched.look()
    looked_at = time.monotonic()
    for events in watchfiles.watch(
        *watched.roots,
        stop_event=stop,
        watch_filter=None,
        rust_timeout=TICK_MS,
        yield_on_timeout=True,
    ):
        if events or watched.unsettled or time.monotonic() - looked_at > LOOK_SECONDS:
            yield from watched.look()
            looked_at = time.monotonic()
        yield None
