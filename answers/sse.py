"""An answer in the making, as server-sent events.

Two dialects of the same events: for the page, the growing text becomes rendered blocks; for
programs, it stays text. Database and template work runs off the event loop's thread.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.serializers.json import DjangoJSONEncoder
from django.db import close_old_connections
from django.http import StreamingHttpResponse

from answers import events, rendering
from answers.events import Event
from ingestion.errors import TransientError

logger = logging.getLogger(__name__)

RETRY = b"retry: 1500\n\n"
PING = b": ping\n\n"
START = "0"
# Ten times a second looks continuous, and spares the browser most of the parsing.
PAINT_SECONDS = 0.1
STAGES = {
    "waiting": "Many ask just now: you are number {place} in the line…",
    "searching": "Searching your documents…",
    "reading": "Reading what was found…",
    "answering": "Answering…",
}

Translate = Callable[[Sequence[Event]], list[bytes]]


def response(frames: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """Send frames as they come, past caches and buffering proxies."""
    return StreamingHttpResponse(
        frames,
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def resume_point(headers: Mapping[str, str]) -> str:
    """The last event that the client says it has; START where it says nothing readable."""
    last = headers.get("Last-Event-ID", "")
    return last if events.EVENT_ID.fullmatch(last) else START


def frame(kind: str, data: Mapping[str, Any], *, id: str = "") -> bytes:
    """Encode one event; JSON keeps its data on one line."""
    head = f"id: {id}\n" if id else ""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"), cls=DjangoJSONEncoder)
    return f"{head}event: {kind}\ndata: {body}\n\n".encode()


async def stream(
    message_uuid: UUID, translate: Translate, *, after: str = START, pace: float = 0.0
) -> AsyncGenerator[bytes, None]:
    """Follow an answer from the event `after` to its end, in steps of `pace` seconds.

    Where Redis cannot be reached the stream just ends: clients come back and resume.
    """
    yield RETRY
    try:
        async with aclosing(_batches(message_uuid, after, pace)) as batches:
            async for batch in batches:
                for data in await _off_the_loop(translate, batch):
                    yield data
    except TransientError as exc:
        logger.warning("stream of answer %s interrupted: %s", message_uuid, exc)


async def _batches(
    message_uuid: UUID, after: str, pace: float
) -> AsyncGenerator[list[Event], None]:
    """Gather the events that come within `pace` seconds; the first one waits for nobody."""
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    reader = asyncio.create_task(_read_into(queue, message_uuid, after))
    try:
        ended = False
        while not ended:
            arrived = [await queue.get()]
            while not queue.empty():
                arrived.append(queue.get_nowait())
            ended = arrived[-1] is None
            if batch := [event for event in arrived if event is not None]:
                yield batch
                await asyncio.sleep(pace)
        await reader
    finally:
        reader.cancel()


async def _read_into(queue: asyncio.Queue[Event | None], message_uuid: UUID, after: str) -> None:
    try:
        async for event in events.follow(message_uuid, after=after):
            queue.put_nowait(event)
    finally:
        queue.put_nowait(None)


@sync_to_async
def _off_the_loop(translate: Translate, batch: Sequence[Event]) -> list[bytes]:
    try:
        return translate(batch)
    finally:
        # A stream lives for minutes: it must not sit on a database connection meanwhile.
        close_old_connections()


class PageTranslator:
    """Turn events, read from the start, into what the page has not yet been sent.

    A block comes as {"index", "html", "count"}: put it in its place, and drop the blocks from
    `count` on. Text is read from the start also when a client resumes, because Markdown has
    its meaning only as a whole.
    """

    def __init__(
        self,
        *,
        after: str,
        evidence: Callable[[], tuple[str, Collection[int]]],
        end: Callable[[], str],
    ) -> None:
        """Resume after an event id; `evidence` gives HTML and numbers, `end` the whole HTML."""
        self._after = _position(after)
        self._resuming = True
        self._evidence = evidence
        self._end = end
        self._numbers: Collection[int] = ()
        self._text = ""
        self._unsent = ""
        self._blocks: list[str] = []

    def __call__(self, batch: Sequence[Event]) -> list[bytes]:
        frames: list[bytes] = []
        for event in batch:
            if self._resuming and self._is_news(event):
                self._resuming = False
                self._blocks = self._render()
            frames += self._take(event)
        return frames + self._paint()

    def _is_news(self, event: Event) -> bool:
        return event.is_final or event.kind == "ping" or _position(event.id) > self._after

    def _take(self, event: Event) -> list[bytes]:
        if event.kind == "delta":
            self._text += event.data["text"]
            self._unsent = "" if self._resuming else event.id
            return []
        if event.kind == "ping":
            return [PING]
        data = event.data
        if event.kind == "evidence":
            html, self._numbers = self._evidence()
            data = {**data, "html": html}
        if self._resuming:
            return []
        if event.kind == "stage":
            place = data.get("ahead", 0) + 1
            data = {**data, "text": STAGES[data["stage"]].format(place=place)}
        if event.is_final:
            data = {**data, "html": self._end()}
        return [*self._paint(), frame(event.kind, data, id=event.id)]

    def _paint(self) -> list[bytes]:
        """Send the blocks that changed; only the last frame says how far the client is."""
        if not self._unsent:
            return []
        before, self._blocks = self._blocks, self._render()
        event_id, self._unsent = self._unsent, ""
        count = len(self._blocks)
        changed = [i for i in range(count) if self._blocks[i : i + 1] != before[i : i + 1]]
        if not changed and count < len(before):
            changed = [max(0, count - 1)]
        return [
            frame(
                "block",
                {"index": i, "html": "".join(self._blocks[i : i + 1]), "count": count},
                id=event_id if i == changed[-1] else "",
            )
            for i in changed
        ]

    def _render(self) -> list[str]:
        return rendering.render_blocks(self._text, self._numbers) if self._text else []


def for_programs(*, evidence: Callable[[], Any], end: Callable[[], Mapping[str, Any]]) -> Translate:
    """Pass events on as they are, with the citations and the whole answer in their place."""

    def translate(batch: Sequence[Event]) -> list[bytes]:
        return [_for_program(event) for event in batch]

    def _for_program(event: Event) -> bytes:
        if event.kind == "ping":
            return PING
        data: Mapping[str, Any] = event.data
        if event.kind == "evidence":
            data = {**data, "citations": evidence()}
        if event.is_final:
            data = end()
        return frame(event.kind, data, id=event.id)

    return translate


def _position(event_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence or 0)
