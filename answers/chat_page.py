"""What stands on the chat page: the list of conversations, the turns, the composer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from answers import (
    answering,
    attachments,
    conversations,
    listing,
    readers,
    scope,
    suggestions,
    turns,
)
from answers.forms import ScopeForm
from answers.models import Conversation
from answers.regions import Region
from ingestion.errors import PermanentError, TransientError

CONVERSATIONS_LISTED = 60


def context(
    conversation: Conversation | None, user: AbstractUser, query: QueryDict
) -> dict[str, Any]:
    """Everything that chat.html needs; `query` may preset the question and the scope."""
    # With Redis away, the page still shows what was said.
    with suppress(TransientError):
        answering.recover_lost()
    shown = turns.of_conversation(conversation, user) if conversation else []
    streaming = shown[-1].answer if shown and shown[-1].answer else None
    chosen = scope.of_conversation(conversation, user) if conversation else _preset(user, query)
    result = {
        **sidebar(conversation, user, find=query.get("find", "")),
        "turns": shown,
        "follows": shown[-1].answer.uuid if shown and shown[-1].answer else "",
        "streaming": streaming if streaming and streaming.is_streaming else None,
        "scope": chosen,
        "readers": _readers(conversation),
        "question": query.get("q", ""),
        "question_length": answering.QUESTION_LENGTH,
        "regions": _regions(user, query),
        "ask_url": ask_url(conversation),
    }
    return result if shown else {**result, **_welcome(user, chosen)}


def ask_url(conversation: Conversation | None) -> str:
    if conversation is None:
        return reverse("answers:chat")
    return reverse("answers:conversation", args=[conversation.uuid])


def sidebar(
    conversation: Conversation | None, user: AbstractUser, *, find: str = ""
) -> dict[str, Any]:
    """The list of conversations, or of those that hold the words in `find`."""
    found = conversations.matching(Conversation.objects.visible_to(user).listed(), find)
    ordered = found.order_by("-is_pinned", "-updated_at", "-pk")
    listed = list(ordered[: CONVERSATIONS_LISTED + 1])
    return {
        "conversation": conversation,
        "groups": listing.grouped(listed[:CONVERSATIONS_LISTED], today=timezone.localdate()),
        "are_more": len(listed) > CONVERSATIONS_LISTED,
        "find": find,
    }


def _readers(conversation: Conversation | None) -> dict[str, Any]:
    """The readers to choose from, and the one chosen; one that is gone counts as none."""
    choices = readers.choices()
    names = [choice.name for choice in choices]
    chosen = conversation.reader if conversation else ""
    return {"choices": choices, "chosen": chosen if chosen in names else settings.READER}


def _preset(user: AbstractUser, query: QueryDict) -> scope.Scope:
    """The scope that a link chose by ?collection= and ?document=."""
    chosen = {
        "collections": query.getlist("collection"),
        "documents": query.getlist("document"),
    }
    form = ScopeForm(chosen, user=user)
    form.is_valid()
    return scope.choose(
        user,
        collections=[one.pk for one in form.cleaned_data.get("collections", ())],
        documents=[one.uuid for one in form.cleaned_data.get("documents", ())],
    )


def _regions(user: AbstractUser, query: QueryDict) -> Sequence[Region]:
    """The places that a link asks about by ?region=; those that are not there are left out."""
    with suppress(PermanentError):
        return attachments.regions_of(query.getlist("region")[: attachments.MOST], user)
    return ()


def _welcome(user: AbstractUser, chosen: scope.Scope) -> dict[str, Any]:
    documents = scope.documents_in(chosen, user)
    return {
        "has_documents": documents.searchable().exists(),
        "on_their_way": documents.active().count(),
        "suggestions": suggestions.suggest(documents.searchable()),
    }
