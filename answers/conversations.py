"""Conversations: start, rename, scope, search, and delete them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from django.contrib.auth.models import AbstractUser, User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from answers import answering, readers
from answers.attachments import NOTHING, Attached
from answers.models import Conversation, Message, MessageState, Role
from answers.searching import SOURCES_GONE, NothingToSearch
from ingestion import folding
from ingestion.errors import PermanentError, TransientError
from ingestion.models import Collection, Document

# A program may want an answer's evidence for a while after it asked.
UNLISTED_KEPT = timedelta(days=1)


def create(
    owner: User,
    *,
    title: str = "",
    reader: str = "",
    is_listed: bool = True,
    is_pinned: bool = False,
    collections: Iterable[Collection] = (),
    documents: Iterable[Document] = (),
) -> Conversation:
    """Start an empty conversation; no collections and no documents means everything readable.

    Without a title it is named after its first question.
    """
    with transaction.atomic():
        conversation = Conversation.objects.create(
            owner=owner,
            title=_one_line(title),
            reader=reader,
            is_listed=is_listed,
            is_pinned=is_pinned,
        )
        set_scope(conversation, collections=collections, documents=documents)
    return conversation


def ask(
    conversation: Conversation,
    question: str,
    *,
    collections: Iterable[Collection],
    documents: Iterable[Document],
    everything: bool = False,
    reader: str | None = None,
    follows: Message | None = None,
    attached: Attached = NOTHING,
) -> Message:
    """Ask a question of this scope, which is remembered; return the answer being written.

    Where all that was chosen has been deleted, `everything` says that all else may be asked.
    The `reader` is remembered, too.
    Raises PermanentError where nothing is asked, or the choice is gone; TransientError where
    Redis is away.
    """
    collections, documents = list(collections), list(documents)
    if scope_is_gone(conversation) and not (collections or documents or everything):
        raise NothingToSearch(SOURCES_GONE)
    if reader and reader not in readers.available():
        raise PermanentError("The chosen reader is not set up any more. Choose another one.")
    with transaction.atomic():
        set_scope(conversation, collections=collections, documents=documents)
        if reader and reader != conversation.reader:
            conversation.reader = reader
            conversation.save(update_fields=["reader"])
        return answering.ask(
            conversation, question, reader=reader, follows=follows, attached=attached
        )


def rename(conversation: Conversation, *, title: str) -> None:
    """Give it another title, without moving it to the top of the list."""
    conversation.title = _one_line(title)
    conversation.save(update_fields=["title"])


def pin(conversation: Conversation, *, pinned: bool) -> None:
    """Keep it at the top of the list, or no longer; its date stays as it is."""
    conversation.is_pinned = pinned
    conversation.save(update_fields=["is_pinned"])


def set_scope(
    conversation: Conversation,
    *,
    collections: Iterable[Collection],
    documents: Iterable[Document],
) -> None:
    """Choose what the following questions are asked of."""
    collections, documents = list(collections), list(documents)
    with transaction.atomic():
        conversation.collections.set(collections)
        conversation.documents.set(documents)
        conversation.is_scoped = bool(collections or documents)
        conversation.save(update_fields=["is_scoped"])


def forget_unlisted() -> int:
    """Delete the conversations of single questions whose day is over; return how many."""
    over = timezone.now() - UNLISTED_KEPT
    rows = Conversation.objects.filter(is_listed=False, updated_at__lt=over)
    found = list(rows)
    for conversation in found:
        delete(conversation)
    return len(found)


def scope_is_gone(conversation: Conversation) -> bool:
    """Tell whether something was chosen, and nothing of it is left."""
    return conversation.is_scoped and not (
        conversation.collections.exists() or conversation.documents.exists()
    )


def delete(conversation: Conversation) -> None:
    """Stop the answers being written, then delete the conversation with all its messages."""
    # Without Redis an answer notices a little later that its row is gone, and stops.
    with suppress(TransientError):
        for answer in conversation.messages.filter(state=MessageState.STREAMING):
            answering.stop(answer)
    conversation.delete()


def matching(conversations: QuerySet[Conversation], words: str) -> QuerySet[Conversation]:
    """Keep the conversations whose title or messages hold the words, as typed."""
    words = words.strip()
    if not words:
        return conversations
    said = Message.objects.filter(folding.holds(words, "content"), conversation__in=conversations)
    return conversations.filter(
        folding.holds(words, "title") | Q(pk__in=said.values("conversation"))
    )


def _one_line(title: str) -> str:
    return " ".join(title.split())[: Conversation._meta.get_field("title").max_length]


def messages_visible_to(user: AbstractUser) -> QuerySet[Message]:
    """The messages of the user's conversations, with what is needed to show one."""
    mine = Conversation.objects.visible_to(user)
    messages = Message.objects.filter(conversation__in=mine)
    return messages.select_related("conversation", "question__conversation")


def answers_visible_to(user: AbstractUser) -> QuerySet[Message]:
    return messages_visible_to(user).filter(role=Role.ASSISTANT)


def questions_visible_to(user: AbstractUser) -> QuerySet[Message]:
    return messages_visible_to(user).filter(role=Role.USER)
