"""What an answer's run tells its followers, and what it is told, through Redis.

Each answer has a stream of events that any number of followers read from any place on,
a heartbeat that shows that a process is still working on it, and a flag that stops it.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import redis
import redis.asyncio
from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from answers.models import Message, MessageState
from ingestion.errors import TransientError

FINAL_KINDS = frozenset({"done", "stopped", "failed"})
# Followers come back after a lost connection; nobody comes back after an hour, and the
# answer itself is in the database.
STREAM_SECONDS = 3600
HEARTBEAT_SECONDS = 15
PING_SECONDS = 10.0
BATCH = 500
EVENT_ID = re.compile(r"\d{1,20}(-\d{1,20})?")
UNREACHABLE = "The Redis server cannot be reached: check REDIS_URL and that it is running."
DELETED = "This answer was deleted."
LOST = "The server was restarted while this answer was being written: ask again."


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an answer; `id` is where to resume from."""

    id: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        return self.kind in FINAL_KINDS


def append(message_uuid: UUID, kind: str, **data: Any) -> str:
    """Add an event to the answer's stream and return its id."""
    key = _stream_key(message_uuid)
    with _reachable(), _connection().pipeline() as pipe:
        pipe.xadd(key, {"kind": kind, "data": json.dumps(data)})
        pipe.expire(key, STREAM_SECONDS)
        return pipe.execute()[0]


async def follow(
    message_uuid: UUID, *, after: str = "0", quiet: float = PING_SECONDS
) -> AsyncGenerator[Event, None]:
    """Yield the events after the id `after`, until one says that the answer is finished.

    A "ping" (which repeats the last id) comes after every `quiet` seconds without one. Where
    the stream has expired, or its process died, the last event is made from the database.
    Raises ValueError where `after` is no event id.
    """
    if not EVENT_ID.fullmatch(after):
        raise ValueError(f"{after!r} is not an event id")
    last, wait_ms = after, None
    async with _async_connection(longest_wait=quiet) as connection:
        while True:
            events = await _read(connection, message_uuid, last, wait_ms)
            if not events and (final := await _final_event(message_uuid, last)):
                # What was said between the reading and the ending comes first.
                events = [*await _read(connection, message_uuid, last, None), final]
            for event in events:
                last = event.id
                yield event
                if event.is_final:
                    return
            if not events and wait_ms:
                yield Event(last, "ping")
            wait_ms = max(1, round(quiet * 1000))


async def _read(
    connection: redis.asyncio.Redis, message_uuid: UUID, after: str, wait_ms: int | None
) -> list[Event]:
    try:
        reply: Any = await connection.xread({_stream_key(message_uuid): after}, BATCH, wait_ms)
    except redis.RedisError as exc:
        raise TransientError(UNREACHABLE) from exc
    return [
        Event(event_id, fields["kind"], json.loads(fields["data"]))
        for _key, entries in reply or []
        for event_id, fields in entries
    ]


def request_stop(message_uuid: UUID) -> None:
    with _reachable():
        _connection().set(_key(message_uuid, "stop"), "1", ex=STREAM_SECONDS)


def stop_requested(message_uuid: UUID) -> bool:
    with _reachable():
        return bool(_connection().exists(_key(message_uuid, "stop")))


def beat(message_uuids: Iterable[UUID]) -> None:
    """Show that this process is still working on these answers."""
    with _reachable(), _connection().pipeline() as pipe:
        for message_uuid in message_uuids:
            pipe.set(_key(message_uuid, "alive"), "1", ex=HEARTBEAT_SECONDS)
        pipe.execute()


def is_alive(message_uuid: UUID) -> bool:
    with _reachable():
        return bool(_connection().exists(_key(message_uuid, "alive")))


def recover_lost() -> int:
    """Mark answers failed whose process died in the middle; return how many there were.

    Cheap enough for every page view: one indexed query, and nothing else where no answer
    is being written.
    """
    grown = timezone.now() - timedelta(seconds=HEARTBEAT_SECONDS)
    streaming = Message.objects.filter(state=MessageState.STREAMING, created_at__lt=grown)
    lost = [
        pk for pk, message_uuid in streaming.values_list("pk", "uuid") if not is_alive(message_uuid)
    ]
    if not lost:
        return 0
    return Message.objects.filter(pk__in=lost, state=MessageState.STREAMING).update(
        state=MessageState.FAILED, error=LOST, finished_at=timezone.now()
    )


@sync_to_async
def _final_event(message_uuid: UUID, last: str) -> Event | None:
    """How the answer ended, by the database; None while it is being written."""
    recover_lost()
    row = Message.objects.filter(uuid=message_uuid).values_list("state", "error").first()
    match row:
        case None:
            return Event(last, "failed", {"error": DELETED})
        case (MessageState.STREAMING, _):
            return None
        case (MessageState.FAILED, error):
            return Event(last, "failed", {"error": error})
        case (state, _):
            return Event(last, str(state))


def _key(message_uuid: UUID, name: str) -> str:
    return f"pagewise:answer:{message_uuid}:{name}"


def _stream_key(message_uuid: UUID) -> str:
    return _key(message_uuid, "events")


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    # RESP2 fixes the shape of XREAD's reply, which differs between protocol versions.
    return redis.Redis.from_url(
        url, decode_responses=True, protocol=2, socket_timeout=5, socket_connect_timeout=5
    )


def _connection() -> redis.Redis:
    return _client(settings.REDIS_URL)


@asynccontextmanager
async def _async_connection(*, longest_wait: float) -> AsyncIterator[redis.asyncio.Redis]:
    """A connection of the follower's own: a blocking read holds it."""
    connection = redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        protocol=2,
        socket_connect_timeout=5,
        socket_timeout=longest_wait + 5,
    )
    try:
        yield connection
    finally:
        await connection.aclose()


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as exc:
        raise TransientError(UNREACHABLE) from exc
