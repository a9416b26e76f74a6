"""What the processes of a running site are, and how much memory they hold (Linux)."""

from __future__ import annotations

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_SECONDS = 0.5
KINDS = {"parse_child": "parser", "celery": "worker", "uvicorn": "web", "valkey": "redis"}


@dataclass(frozen=True, slots=True)
class Process:
    """One process for good: its number and when it started, in clock ticks."""

    pid: int
    started: str

    def is_alive(self) -> bool:
        return _look(self.pid) == self

    def rss_mb(self) -> int:
        """Memory that it holds now, in megabytes; 0 when it is gone."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE") // 2**20

    def kind(self) -> str:
        """Return parser, worker, web, redis or other."""
        try:
            command = Path(f"/proc/{self.pid}/cmdline").read_text()
        except OSError:
            return "other"
        return next((kind for word, kind in KINDS.items() if word in command), "other")


def descendants(pid: int) -> list[Process]:
    """Return the process and all that it and its children started."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in filter(str.isdigit, os.listdir("/proc")):
        if fields := _fields(int(entry)):
            children[int(fields[1])].append(int(entry))
    found, left = [], [pid]
    while left:
        current = left.pop()
        left += children[current]
        if process := _look(current):
            found.append(process)
    return found


@dataclass(slots=True)
class Watched:
    """All processes that were seen, with their kind and the most memory that each held.

    `curve` is the memory of all processes of a kind together, twice a second, in megabytes.
    """

    peaks: dict[Process, tuple[str, int]] = field(default_factory=dict)
    looks: Counter[Process] = field(default_factory=Counter)
    curve: list[dict[str, int]] = field(default_factory=list)

    def look(self, root: int) -> None:
        now: dict[str, int] = defaultdict(int)
        for process in descendants(root):
            # Between its fork and the program that it becomes, a process looks like its parent.
            kind, (_, peak) = process.kind(), self.peaks.get(process, ("", 0))
            size = process.rss_mb()
            self.looks[process] += 1
            self.peaks[process] = (kind, max(peak, size))
            now[kind] += size
        self.curve.append(now)

    def most_mb(self) -> dict[str, int]:
        """Return the most memory that one process of each kind held, in megabytes."""
        most: dict[str, int] = defaultdict(int)
        for kind, peak in self.peaks.values():
            most[kind] = max(most[kind], peak)
        return dict(most)

    def alive(self, kind: str) -> list[Process]:
        return [one for one, (its, _) in self.peaks.items() if its == kind and one.is_alive()]


@contextmanager
def watched(root: int) -> Iterator[Watched]:
    """Look at a process and its descendants, twice a second, for as long as the block runs."""
    seen, done = Watched(), threading.Event()

    def watch() -> None:
        while not done.wait(SAMPLE_SECONDS):
            seen.look(root)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _look(pid: int) -> Process | None:
    fields = _fields(pid)
    # A zombie has ended; only its parent has not looked yet.
    return Process(pid, fields[19]) if fields and fields[0] != "Z" else None


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
