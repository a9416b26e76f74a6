"""Threads that write answers, detached from the requests that asked for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from uuid import UUID

from django.db import connections

from answers import events
from ingestion.errors import TransientError

logger = logging.getLogger(__name__)

# Reading is waiting for a model or, for the extractive reader, work for two cores: more
# answers at once than this only make each one slower.
MAX_RUNS = 8
BEAT_SECONDS = 3.0

_slots = threading.BoundedSemaphore(MAX_RUNS)
_lock = threading.Lock()
_running: set[UUID] = set()
_beating: threading.Thread | None = None


def start(message_uuid: UUID, run: Callable[[], None]) -> None:
    """Run in a daemon thread as soon as there is room; its heartbeat starts now."""
    hold(message_uuid)
    threading.Thread(
        target=_run, args=(message_uuid, run), name=f"answer-{message_uuid}", daemon=True
    ).start()


def hold(message_uuid: UUID) -> None:
    """Keep the answer's heartbeat going until `release`."""
    global _beating
    events.beat([message_uuid])
    with _lock:
        _running.add(message_uuid)
        if _beating is None or not _beating.is_alive():
            _beating = threading.Thread(target=_beat, name="answer-heartbeat", daemon=True)
            _beating.start()


def release(message_uuid: UUID) -> None:
    with _lock:
        _running.discard(message_uuid)


def _run(message_uuid: UUID, run: Callable[[], None]) -> None:
    try:
        with _slots:
            run()
    finally:
        release(message_uuid)
        # Nobody closes a thread's connections for it, as a request's end would.
        connections.close_all()


def _beat() -> None:
    """Renew the heartbeats of what is running here; end when nothing is."""
    global _beating
    pause = threading.Event()
    while True:
        pause.wait(BEAT_SECONDS)
        with _lock:
            held = list(_running)
            if not held:
                _beating = None
                return
        try:
            events.beat(held)
        except TransientError as exc:
            logger.warning("heartbeat of %d answers not renewed: %s", len(held), exc)
