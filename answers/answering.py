"""Ask a question, and stop an answer: the service behind the chat and the API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from django.db import transaction
from django.utils import timezone

from answers import attachments, events, pool, runs, threads
from answers.attachments import NOTHING, Attached
from answers.events import recover_lost
from answers.models import Conversation, Message, MessageState, Role
from ingestion.errors import PermanentError, TransientError

__all__ = [
    "answer_again",
    "answer_now",
    "ask",
    "ask_instead",
    "recover_lost",
    "stop",
    "store",
    "write",
]

TITLE_CHARACTERS = 80
QUESTION_LENGTH = 8000


def ask(
    conversation: Conversation,
    question: str,
    *,
    reader: str | None = None,
    follows: Message | None = None,
    attached: Attached = NOTHING,
) -> Message:
    """Store the question, start writing its answer, and return the answer's row.

    It is asked after the answer `follows`; without one, at the end of the branch that is
    shown. The run starts when the surrounding transaction commits, in this process, detached
    from the request. Follow it with `events.follow`. Raises PermanentError where nothing is
    asked, and TransientError where Redis is away: then nothing is stored.
    """
    answer = store(conversation, question, follows=follows, attached=attached)
    return write(answer, reader=reader)


def answer_again(question: Message, *, reader: str | None = None, wait: bool = False) -> Message:
    """Write another answer to a question; the earlier ones stay beside it.

    With `wait`, return when it is finished.
    """
    with transaction.atomic():
        answer = _open_answer(question)
    return write(answer, reader=reader, wait=wait)


def ask_instead(
    question: Message, text: str, *, reader: str | None = None, wait: bool = False
) -> Message:
    """Ask an edited question in the place of one; that one stays, with what followed it.

    With `wait`, return when it is answered. Raises PermanentError where nothing is asked.
    """
    conversation = question.conversation
    with transaction.atomic():
        if conversation.title == title_from(question.content):
            conversation.title = title_from(text)
        asked = _new_question(conversation, text, question.follows)
        attachments.copy(question, asked)
        answer = _open_answer(asked)
    return write(answer, reader=reader, wait=wait)


def answer_now(
    conversation: Conversation,
    question: str,
    *,
    reader: str | None = None,
    follows: Message | None = None,
    attached: Attached = NOTHING,
) -> Message:
    """Like `ask`, but return when the answer is finished: done, stopped or failed."""
    answer = store(conversation, question, follows=follows, attached=attached)
    return write(answer, reader=reader, wait=True)


def store(
    conversation: Conversation,
    question: str,
    *,
    follows: Message | None = None,
    attached: Attached = NOTHING,
) -> Message:
    """Store a question, and return the row of its answer, which `write` fills; see `ask`."""
    with transaction.atomic():
        asked = _new_question(conversation, question, follows or threads.last_message(conversation))
        attachments.keep(asked, attached)
        return _open_answer(asked)


def write(answer: Message, *, reader: str | None = None, wait: bool = False) -> Message:
    """Let an answer that was stored be written: from the commit on or, with `wait`, now."""
    if wait:
        with _failed_without_redis(answer), pool.place(answer.uuid, owner=_owner(answer)):
            runs.run(answer.pk, reader)
        answer.refresh_from_db()
    else:
        transaction.on_commit(partial(_start, answer, reader))
    return answer


def stop(message: Message) -> None:
    """Stop the answer, from any process; what was said is kept."""
    events.request_stop(message.uuid)
    if not events.is_alive(message.uuid):
        Message.objects.filter(pk=message.pk, state=MessageState.STREAMING).update(
            state=MessageState.STOPPED, finished_at=timezone.now()
        )


def _start(answer: Message, reader: str | None) -> None:
    with _failed_without_redis(answer):
        pool.start(answer.uuid, partial(runs.run, answer.pk, reader), owner=_owner(answer))


@contextmanager
def _failed_without_redis(answer: Message) -> Iterator[None]:
    """Where Redis has gone away since the answer was stored, its row tells so."""
    try:
        yield
    except TransientError as exc:
        Message.objects.filter(pk=answer.pk, state=MessageState.STREAMING).update(
            state=MessageState.FAILED, error=str(exc), finished_at=timezone.now()
        )
        raise


def _owner(answer: Message) -> int:
    return answer.conversation.owner_id


def _new_question(conversation: Conversation, text: str, follows: Message | None) -> Message:
    text = text.strip()
    if not text:
        raise PermanentError("Write a question first.")
    if len(text) > QUESTION_LENGTH:
        raise PermanentError(f"The question is longer than {QUESTION_LENGTH} characters.")
    if not conversation.title:
        conversation.title = title_from(text)
    # Saving also moves the conversation to the top of the list.
    conversation.save(update_fields=["title", "updated_at"])
    return Message.objects.create(
        conversation=conversation, role=Role.USER, content=text, follows=follows
    )


def _open_answer(question: Message) -> Message:
    answer = Message.objects.create(
        conversation=question.conversation,
        question=question,
        role=Role.ASSISTANT,
        state=MessageState.STREAMING,
    )
    # While all of it can still be undone: without Redis no answer can be written.
    events.beat([answer.uuid])
    question.conversation.tip = answer
    question.conversation.save(update_fields=["tip"])
    return answer


def title_from(question: str) -> str:
    """Make a conversation's title of its first question, cut between words."""
    words: Sequence[str] = question.split()
    title = " ".join(words)
    if len(title) <= TITLE_CHARACTERS:
        return title
    return title[:TITLE_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;:") + " …"
