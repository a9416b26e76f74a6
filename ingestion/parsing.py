"""Read PDF files in child processes with limits: facts about a file, and its pages.

Whatever a page does to the process that reads it, the other pages are read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ingestion import page_store, wire
from ingestion.children import PATIENCE, START_SECONDS, Child, Limits, readable
from ingestion.errors import PermanentError
from ingestion.layout import DocumentFacts, PageContent, PageImage

__all__ = ["CannotRead", "Limits", "PageOutcome", "convert", "inspect", "parse_pages"]

TICK_SECONDS = 0.25
# Loading its models costs a child about this long. A document that one child has read by
# then needs no other.
WORTH_ANOTHER_SECONDS = 2.0
# A file that ends its child this often before the first page is never going to open.
OPENING_TRIES = 2


class CannotRead(PermanentError):
    """The file as a whole cannot be read.

    `code` is damaged, encrypted, wrong_password, empty or too_heavy.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """What became of a page: its content, or a sentence that says why there is none."""

    number: int
    content: PageContent | None
    error: str = ""


def inspect(
    path: Path, *, limits: Limits, media_type: str = "application/pdf", password: str = ""
) -> DocumentFacts:
    """Open a file and read what it says of itself, without parsing a page.

    Raises CannotRead, with a sentence for people, when it is not what `media_type` says, is
    protected, has no pages, or needs more memory or time than `limits` allow.
    """
    child = Child("inspect", path, password=password, media_type=media_type, limits=limits)
    message = next(_answers(child, limits, seconds=limits.page_seconds))
    try:
        return page_store.facts_from_json(message.data["facts"])
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise _too_heavy(limits) from exc


def convert(
    path: Path,
    target: BinaryIO,
    *,
    media_type: str,
    limits: Limits,
    password: str = "",
    tick: Callable[[], None] = lambda: None,
) -> None:
    """Write the file's pages to `target`, as a PDF without a password. Raises CannotRead.

    `tick` is called a few times a second meanwhile; what it raises ends the work.
    """
    child = Child("convert", path, password=password, media_type=media_type, limits=limits)
    seconds = limits.page_seconds * PATIENCE
    for message in _answers(child, limits, seconds=seconds, tick=tick):
        for blob in message.blobs:
            target.write(blob)
        if message.data.get("left") == 0:
            return


def _answers(
    child: Child, limits: Limits, *, seconds: float, tick: Callable[[], None] = lambda: None
) -> Iterator[wire.Message]:
    """Yield what a child says; bury it in the end. Raises CannotRead when it falls silent."""
    child.start_clock(seconds, patience=START_SECONDS)
    try:
        while not child.is_overdue():
            tick()
            readable([child], TICK_SECONDS)
            messages = child.receive()
            if messages is None:
                child.bury()
                break
            for message in messages:
                _raise_if_unreadable(message)
                yield message
    except wire.WireError as exc:
        raise _too_heavy(limits) from exc
    finally:
        child.close()
    raise _too_heavy(limits)


def _too_heavy(limits: Limits) -> CannotRead:
    return CannotRead(
        "too_heavy",
        f"It cannot be opened within {limits.memory_mb} MB of memory and "
        f"{limits.page_seconds} seconds: it is damaged, or made to overwhelm its reader.",
    )


def _raise_if_unreadable(message: wire.Message) -> None:
    if "code" in message.data:
        raise CannotRead(str(message.data["code"]), str(message.data["error"]))


def parse_pages(
    path: Path,
    numbers: Iterable[int],
    *,
    limits: Limits,
    processes: int = 1,
    password: str = "",
    tick: Callable[[], None] = lambda: None,
) -> Generator[PageOutcome]:
    """Parse pages (from 1) in up to `processes` children; yield each when it is finished.

    The numbers are drawn as children become free. A page that crashes, hangs or overfills
    its child comes back with an error, and the rest go on. Raises CannotRead when the file
    cannot be opened. All children are gone when the iterator ends or is closed. `tick` is
    called a few times a second while pages are parsed; what it raises ends the work.
    """
    crew = _Crew(path, limits=limits, size=processes, password=password)
    try:
        yield from crew.work(iter(numbers), tick)
    finally:
        crew.close()


class _Crew:
    """The children that work on one file."""

    def __init__(self, path: Path, *, limits: Limits, size: int, password: str) -> None:
        self._path = path
        self._limits = limits
        self._size = size
        self._password = password
        self._children: list[Child] = []
        self._failed_openings = 0
        self._ready_at: float | None = None

    def close(self) -> None:
        for child in self._children:
            child.close()
        self._children.clear()

    def work(self, numbers: Iterator[int], tick: Callable[[], None]) -> Iterator[PageOutcome]:
        self._hand_out(numbers)
        while any(child.page is not None for child in self._children):
            tick()
            for outcome in self._finished():
                paused = time.monotonic()
                yield outcome
                for child in self._children:
                    child.grant(time.monotonic() - paused)
            self._hand_out(numbers)

    def _hand_out(self, numbers: Iterator[int]) -> None:
        """Give every free child a page, and start children while there is room and work."""
        for child in self._children:
            if child.page is None and (number := next(numbers, None)) is not None:
                child.ask(number)
        while self._has_room() and (number := next(numbers, None)) is not None:
            self._start(number)

    def _has_room(self) -> bool:
        if not self._children:
            return True
        working = time.monotonic() - self._ready_at if self._ready_at else 0.0
        return len(self._children) < self._size and working > WORTH_ANOTHER_SECONDS

    def _start(self, number: int) -> None:
        child = Child("parse", self._path, password=self._password, limits=self._limits)
        self._children.append(child)
        child.page = number

    def _finished(self) -> Iterator[PageOutcome]:
        busy = [child for child in self._children if child.page is not None]
        ready = readable(busy, TICK_SECONDS)
        for child in busy:
            try:
                messages = child.receive() if child in ready else []
                if messages is None:
                    yield self._lost(child)
                elif not messages and child.is_overdue():
                    yield self._overdue(child)
                for message in messages or ():
                    yield from self._understood(child, message)
            except (wire.WireError, KeyError, TypeError, ValueError, AttributeError):
                yield self._lost(child)

    def _understood(self, child: Child, message: wire.Message) -> Iterator[PageOutcome]:
        _raise_if_unreadable(message)
        assert child.page is not None
        if "ready" in message.data:
            child.is_ready = True
            self._ready_at = self._ready_at or time.monotonic()
            self._failed_openings = 0
            child.ask(child.page)
            return
        if "error" in message.data:
            outcome = PageOutcome(child.page, None, str(message.data["error"]))
        else:
            outcome = PageOutcome(child.page, _content(message))
        # Only now: a child whose answer makes no sense is lost over this page.
        child.page = None
        yield outcome

    # --- pages that cost a child --------------------------------------------------------------

    def _lost(self, child: Child) -> PageOutcome:
        number = self._bury(child)
        if child.ran_out_of_memory():
            return PageOutcome(
                number,
                None,
                f"Page {number} was skipped: it needs more than {self._limits.memory_mb} MB "
                "of memory.",
            )
        return PageOutcome(
            number, None, f"Page {number} was skipped: it crashes the program that reads it."
        )

    def _overdue(self, child: Child) -> PageOutcome:
        number = self._bury(child)
        return PageOutcome(
            number,
            None,
            f"Page {number} was skipped: it takes longer than {self._limits.page_seconds} "
            "seconds to read.",
        )

    def _bury(self, child: Child) -> int:
        child.bury()
        self._children.remove(child)
        if not child.is_ready:
            self._failed_openings += 1
            if self._failed_openings >= OPENING_TRIES:
                raise _too_heavy(self._limits)
        assert child.page is not None
        return child.page


def _content(message: wire.Message) -> PageContent:
    content = page_store.content_from_json(message.data["content"])
    images = tuple(
        PageImage(
            name=str(image["name"]),
            data=blob,
            media_type=str(image["media_type"]),
            width=int(image["width"]),
            height=int(image["height"]),
        )
        for image, blob in zip(message.data["images"], message.blobs, strict=True)
    )
    return replace(content, images=images)
