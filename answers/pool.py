"""Threads that write answers, detached from the requests that asked for them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from uuid import UUID

from django.conf import settings
from django.db import connections
from django_guid import get_guid, set_guid

from answers import events
from answers.slots import Slots
from ingestion.errors import TransientError

logger = logging.getLogger(__name__)

BEAT_SECONDS = 3.0

_lock = threading.Lock()
_running: set[UUID] = set()
_beating: threading.Thread | None = None


@lru_cache(maxsize=1)
def slots() -> Slots:
    """The places of this process for answers that are being written."""
    return Slots(settings.ANSWERS_AT_A_TIME)


def start(message_uuid: UUID, run: Callable[[], None], *, owner: Hashable) -> None:
    """Run in a daemon thread as soon as there is room; its heartbeat starts now."""
    hold(message_uuid)
    # A thread begins without its request's id, which its log lines should carry.
    asked_by = get_guid()
    threading.Thread(
        target=_run,
        args=(message_uuid, run, owner, asked_by),
        name=f"answer-{message_uuid}",
        daemon=True,
    ).start()


@contextmanager
def place(message_uuid: UUID, *, owner: Hashable) -> Iterator[None]:
    """Hold a place among the answers that are written, and the answer's heartbeat.

    While it has to wait, its followers are told how many come before it. An answer that is
    stopped meanwhile comes out at once, to notice it.
    """
    hold(message_uuid)
    told: list[int] = []
    try:
        with slots().taken(owner, still_wanted=partial(_tell_waiting, message_uuid, told)):
            yield
    finally:
        release(message_uuid)


def _tell_waiting(message_uuid: UUID, told: list[int], ahead: int) -> bool:
    with suppress(TransientError):
        if told[-1:] != [ahead]:
            told.append(ahead)
            events.append(message_uuid, "stage", stage="waiting", ahead=ahead)
        return not events.stop_requested(message_uuid)
    # Followers cannot be reached; the answer is wanted all the same.
    return True


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


def _run(
    message_uuid: UUID, run: Callable[[], None], owner: Hashable, asked_by: str | None
) -> None:
    try:
        if asked_by:
            set_guid(asked_by)
        with place(message_uuid, owner=owner):
            run()
    finally:
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
