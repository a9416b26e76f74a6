"""Ask a question, and stop an answer: the service behind the chat and the API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db import transaction
from django.utils import timezone

from answers import attachments, events, pool, runs, threads
from answers.attachments import NOTHING, Attached
from answers.events import recover_lost
from answers.models import Conversation, Message, MessageState, Role
from ingestion.errors import PermanentError

__all__ = ["answer_again", "answer_now", "ask", "ask_instead", "recover_lost", "stop"]

TITLE_CHARACTERS = 80


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
    asked.
    """
    return _start(_store(conversation, question, follows, attached), reader)


def answer_again(question: Message, *, reader: str | None = None, wait: bool = False) -> Message:
    """Write another answer to a question; the earlier ones stay beside it.

    With `wait`, return when it is finished.
    """
    with transaction.atomic():
        answer = _open_answer(question)
    return _run_now(answer, reader) if wait else _start(answer, reader)


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
    return _run_now(answer, reader) if wait else _start(answer, reader)


def answer_now(
    conversation: Conversation,
    question: str,
    *,
    reader: str | None = None,
    follows: Message | None = None,
    attached: Attached = NOTHING,
) -> Message:
    """Like `ask`, but return when the answer is finished: done, stopped or failed."""
    return _run_now(_store(conversation, question, follows, attached), reader)


def stop(message: Message) -> None:
    """Stop the answer, from any process; what was said is kept."""
    events.request_stop(message.uuid)
    if not events.is_alive(message.uuid):
        Message.objects.filter(pk=message.pk, state=MessageState.STREAMING).update(
            state=MessageState.STOPPED, finished_at=timezone.now()
        )


def _run_now(answer: Message, reader: str | None) -> Message:
    with pool.place(answer.uuid, owner=answer.conversation.owner_id):
        runs.run(answer.pk, reader)
    answer.refresh_from_db()
    return answer


def _start(answer: Message, reader: str | None) -> Message:
    run = partial(runs.run, answer.pk, reader)
    owner = answer.conversation.owner_id
    transaction.on_commit(partial(pool.start, answer.uuid, run, owner=owner))
    return answer


def _store(
    conversation: Conversation, question: str, follows: Message | None, attached: Attached
) -> Message:
    with transaction.atomic():
        asked = _new_question(conversation, question, follows or threads.last_message(conversation))
        attachments.keep(asked, attached)
        return _open_answer(asked)


def _new_question(conversation: Conversation, text: str, follows: Message | None) -> Message:
    text = text.strip()
    if not text:
        raise PermanentError("Write a question first.")
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
