"""The record of an answer while it is being written: its row, and its events."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.utils import timezone

from answers import events
from answers.evidence import Evidence
from answers.models import Conversation, Message, MessageState
from answers.readers import Quote, ReaderDelta
from answers.signals import answered
from ingestion.errors import TransientError

logger = logging.getLogger(__name__)

# Fast enough to look continuous, slow enough not to send every token by itself.
FLUSH_SECONDS = 0.05
SAVE_SECONDS = 2.0
STOP_CHECK_SECONDS = 0.25
WRITTEN = (
    *("content", "state", "error", "finish_reason", "notes", "site_notes"),
    *("search_query", "reader", "grounded"),
    *("index_versions", "timings", "usage", "checks", "finished_at"),
)


class Stopped(Exception):
    """The person asked the answer to stop."""


class Recorder:
    """Collects an answer's text: followers get it in small batches, the database less often.

    `given` is the evidence that the reader was given in the end, which is all that it can cite.
    A killed process loses at most SAVE_SECONDS of what was said.
    """

    def __init__(self, answer: Message) -> None:
        self.answer = answer
        self.quotes: list[Quote] = []
        self.given: Sequence[Evidence] = ()
        self._started = time.monotonic()
        self._pending: list[str] = []
        self._flushed_at = self._saved_at = self._checked_at = 0.0

    def stage(self, name: str) -> None:
        self.check_stop()
        events.append(self.answer.uuid, "stage", stage=name)

    def evidence(self, count: int) -> None:
        """Tell followers that the citations are stored."""
        self._save("search_query", "index_versions", "reader", "notes", "site_notes", "timings")
        events.append(self.answer.uuid, "evidence", count=count)

    def take(self, delta: ReaderDelta) -> None:
        """Add what the reader wrote, and what it said about it."""
        answer = self.answer
        if delta.text:
            if not answer.content:
                self.time("first_character")
            answer.content += delta.text
            self._pending.append(delta.text)
        self.quotes.extend(delta.quotes)
        answer.usage.update(delta.usage)
        if delta.note:
            answer.notes.append(delta.note)
        if delta.site_note:
            answer.site_notes.append(delta.site_note)
        if delta.finish_reason:
            answer.finish_reason = delta.finish_reason
        if delta.grounded is not None:
            answer.grounded = delta.grounded

    def time(self, name: str) -> None:
        """Note the seconds since the question was taken up."""
        self.answer.timings[name] = round(time.monotonic() - self._started, 3)

    def tick(self) -> None:
        """Do what is due: send, save, and look whether to stop. Raises Stopped."""
        now = time.monotonic()
        if self._pending and now - self._flushed_at >= FLUSH_SECONDS:
            self._flush(now)
        if now - self._saved_at >= SAVE_SECONDS:
            self._saved_at = now
            if not self._save("content", "timings"):
                raise Stopped
        if now - self._checked_at >= STOP_CHECK_SECONDS:
            self._checked_at = now
            self.check_stop()

    def check_stop(self) -> None:
        if events.stop_requested(self.answer.uuid):
            raise Stopped

    def finish(self, state: MessageState, **said: Any) -> None:
        """Store the answer as it stands, then tell followers how it ended."""
        self.answer.state = state
        self.answer.error = said.get("error", "")
        self.answer.finished_at = timezone.now()
        self.time("total")
        with _if_reachable():
            self._flush(time.monotonic())
        self._save(*WRITTEN)
        Conversation.objects.filter(pk=self.answer.conversation_id).update(
            updated_at=self.answer.finished_at
        )
        with _if_reachable():
            events.append(self.answer.uuid, str(state), **said)
        answered.send(sender=Message, answer=self.answer)

    def _flush(self, now: float) -> None:
        self._flushed_at = now
        if self._pending:
            text, self._pending = "".join(self._pending), []
            events.append(self.answer.uuid, "delta", text=text)

    def _save(self, *fields: str) -> bool:
        """Write some fields; false where the answer was deleted meanwhile."""
        values = {name: getattr(self.answer, name) for name in fields}
        return bool(Message.objects.filter(pk=self.answer.pk).update(**values))


@contextmanager
def _if_reachable() -> Iterator[None]:
    """Let the answer be stored although Redis is away: followers then ask the database."""
    try:
        yield
    except TransientError as exc:
        logger.warning("followers were not told: %s", exc)
