"""Read from a source that may hang, without hanging."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Generic, TypeVar

from django.db import connections

from ingestion.errors import PermanentError, TransientError

T = TypeVar("T")

AHEAD = 64


def pumped(source: Generator[T, None, None], *, tick: float) -> Iterator[T | None]:
    """Yield what the source yields, and None after every `tick` seconds without anything.

    The source runs in a thread of its own. Whoever stops reading is free at once: the source
    is closed as soon as it yields again. Its PermanentError or TransientError is raised here.
    """
    pump = _Pump(source)
    pump.start()
    try:
        while not pump.ended:
            try:
                yield pump.items.get(timeout=tick)
            except queue.Empty:
                yield None
        pump.raise_error()
    finally:
        pump.abandoned.set()


class _Pump(threading.Thread, Generic[T]):
    def __init__(self, source: Generator[T, None, None]) -> None:
        super().__init__(name="reader", daemon=True)
        self.source = source
        self.items: queue.Queue[T] = queue.Queue(AHEAD)
        self.abandoned = threading.Event()
        self._error: Exception = RuntimeError("the reader broke; its thread has logged why")
        self._finished = False

    @property
    def ended(self) -> bool:
        # In this order: a thread that is over puts nothing more into the queue.
        return not self.is_alive() and self.items.empty()

    def run(self) -> None:
        try:
            with closing(self.source) as items:
                for item in items:
                    if not self._put(item):
                        return
            self._finished = True
        except (PermanentError, TransientError) as exc:
            self._error = exc
        finally:
            connections.close_all()

    def raise_error(self) -> None:
        if not self._finished:
            raise self._error

    def _put(self, item: T) -> bool:
        while not self.abandoned.is_set():
            try:
                self.items.put(item, timeout=1)
            except queue.Full:
                continue
            return True
        return False
