"""Ask a question, and stop an answer: the service behind the chat and the API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.utils import timezone

from answers import events, pool, runs
from answers.events import recover_lost
from answers.models import Conversation, Message, MessageState, Role
from ingestion.errors import PermanentError

__all__ = ["answer_again", "answer_now", "ask", "recover_lost", "stop"]

TITLE_CHARACTERS = 80


def ask(conversation: Conversation, question: str, *, reader: str | None = None) -> Message:
    """Store the question, start writing its answer, and return the answer's row.

    The run starts when the surrounding transaction commits, in this process, detached from
    the request. Follow it with `events.follow`. Raises PermanentError where nothing is asked.
    """
    return _start(_store(conversation, question), reader)


def answer_again(question: Message, *, reader: str | None = None) -> Message:
    """Start another answer to a question of the same conversation."""
    return _start(_open_answer(question), reader)


def answer_now(conversation: Conversation, question: str, *, reader: str | None = None) -> Message:
    """Like `ask`, but return when the answer is finished: done, stopped or failed."""
    answer = _store(conversation, question)
    pool.hold(answer.uuid)
    try:
        runs.run(answer.pk, reader)
    finally:
        pool.release(answer.uuid)
    answer.refresh_from_db()
    return answer


def stop(message: Message) -> None:
    """Stop the answer, from any process; what was said is kept."""
    events.request_stop(message.uuid)
    if not events.is_alive(message.uuid):
        Message.objects.filter(pk=message.pk, state=MessageState.STREAMING).update(
            state=MessageState.STOPPED, finished_at=timezone.now()
        )


def _start(answer: Message, reader: str | None) -> Message:
    run = partial(runs.run, answer.pk, reader)
    transaction.on_commit(partial(pool.start, answer.uuid, run))
    return answer


def _store(conversation: Conversation, question: str) -> Message:
    question = question.strip()
    if not question:
        raise PermanentError("Write a question first.")
    with transaction.atomic():
        asked = Message.objects.create(conversation=conversation, role=Role.USER, content=question)
        if not conversation.title:
            conversation.title = title_from(question)
        # Saving also moves the conversation to the top of the list.
        conversation.save(update_fields=["title", "updated_at"])
        return _open_answer(asked)


def _open_answer(question: Message) -> Message:
    return Message.objects.create(
        conversation=question.conversation,
        question=question,
        role=Role.ASSISTANT,
        state=MessageState.STREAMING,
    )


def title_from(question: str) -> str:
    """Make a conversation's title of its first question, cut between words."""
    words: Sequence[str] = question.split()
    title = " ".join(words)
    if len(title) <= TITLE_CHARACTERS:
        return title
    return title[:TITLE_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"
