"""Conversations: start, rename, scope, search, and delete them."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AbstractUser, User
from django.db import transaction
from django.db.models import Q, QuerySet

from answers import answering
from answers.models import Conversation, Message, MessageState, Role
from ingestion.models import Collection, Document


def create(
    owner: User,
    *,
    title: str = "",
    reader: str = "",
    collections: Iterable[Collection] = (),
    documents: Iterable[Document] = (),
) -> Conversation:
    """Start an empty conversation; no collections and no documents means everything readable.

    Without a title it is named after its first question.
    """
    with transaction.atomic():
        conversation = Conversation.objects.create(
            owner=owner, title=_one_line(title), reader=reader
        )
        set_scope(conversation, collections=collections, documents=documents)
    return conversation


def ask(
    conversation: Conversation,
    question: str,
    *,
    collections: Iterable[Collection],
    documents: Iterable[Document],
    reader: str | None = None,
) -> Message:
    """Ask a question of this scope, which is remembered; return the answer being written.

    Raises PermanentError where nothing is asked, TransientError where Redis is away.
    """
    with transaction.atomic():
        set_scope(conversation, collections=collections, documents=documents)
        return answering.ask(conversation, question, reader=reader)


def rename(conversation: Conversation, *, title: str) -> None:
    """Give it another title, without moving it to the top of the list."""
    conversation.title = _one_line(title)
    conversation.save(update_fields=["title"])


def set_scope(
    conversation: Conversation,
    *,
    collections: Iterable[Collection],
    documents: Iterable[Document],
) -> None:
    """Choose what the following questions are asked of."""
    with transaction.atomic():
        conversation.collections.set(collections)
        conversation.documents.set(documents)


def delete(conversation: Conversation) -> None:
    """Stop the answers being written, then delete the conversation with all its messages."""
    for answer in conversation.messages.filter(state=MessageState.STREAMING):
        answering.stop(answer)
    conversation.delete()


def matching(conversations: QuerySet[Conversation], words: str) -> QuerySet[Conversation]:
    """Keep the conversations whose title or messages hold the words, as typed."""
    words = words.strip()
    if not words:
        return conversations
    said = Message.objects.filter(content__icontains=words).values("conversation")
    return conversations.filter(Q(title__icontains=words) | Q(pk__in=said))


def _one_line(title: str) -> str:
    return " ".join(title.split())[: Conversation._meta.get_field("title").max_length]


def answers_visible_to(user: AbstractUser) -> QuerySet[Message]:
    """The answers of the user's conversations, with what is needed to show one."""
    mine = Conversation.objects.visible_to(user)
    answers = Message.objects.filter(role=Role.ASSISTANT, conversation__in=mine)
    return answers.select_related("conversation", "question__conversation")
