"""What a conversation may be asked of, and what was chosen, as the scope chooser shows it."""

from __future__ import annotations

from collections.abc import Collection as Items
from dataclasses import dataclass, replace
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import Count, Q, QuerySet

from answers import conversations
from answers.models import Conversation
from ingestion import folding
from ingestion.models import Collection, Document, DocumentQuerySet

DOCUMENTS_SHOWN = 20
EVERYTHING = "All documents"
GONE = "Chosen documents are gone"


@dataclass(frozen=True, slots=True)
class Scope:
    """The choices; `collections` carry the count of their documents as `searchable`."""

    collections: tuple[Collection, ...]
    chosen_collections: frozenset[int]
    chosen_documents: tuple[Document, ...]
    found_documents: tuple[Document, ...]
    is_gone: bool = False

    @property
    def label(self) -> str:
        if self.is_gone:
            return GONE
        names = [c.name for c in self.collections if c.pk in self.chosen_collections]
        names += [document.title for document in self.chosen_documents]
        if not names:
            return EVERYTHING
        return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}"


def documents_in(scope: Scope, user: AbstractUser) -> DocumentQuerySet:
    """The documents that are asked, ready or not."""
    readable = Document.objects.visible_to(user)
    if not scope.chosen_collections and not scope.chosen_documents:
        return readable
    return readable.filter(
        Q(collection__in=scope.chosen_collections)
        | Q(pk__in=[d.pk for d in scope.chosen_documents])
    )


def of_conversation(conversation: Conversation, user: AbstractUser) -> Scope:
    """The scope that a conversation remembers, as far as its owner may still read it."""
    chosen = choose(
        user,
        collections=conversation.collections.values_list("pk", flat=True),
        documents=conversation.documents.values_list("uuid", flat=True),
    )
    return replace(chosen, is_gone=conversations.scope_is_gone(conversation))


def choose(user: AbstractUser, *, collections: Items[int], documents: Items[UUID]) -> Scope:
    """The scope with these chosen; what the user may not read is left out."""
    readable = Collection.objects.visible_to(user).annotate(
        searchable=Count("documents", filter=Q(documents__live_generation__gt=0), distinct=True)
    )
    chosen = Document.objects.visible_to(user).filter(uuid__in=documents) if documents else ()
    return Scope(
        collections=tuple(readable),
        chosen_collections=frozenset(collections),
        chosen_documents=tuple(chosen),
        found_documents=tuple(find_documents(user, but_not=documents)),
    )


def find_documents(
    user: AbstractUser, *, title: str = "", but_not: Items[UUID] = ()
) -> QuerySet[Document]:
    """The newest searchable documents whose title or file name holds these words."""
    found = Document.objects.visible_to(user).searchable().exclude(uuid__in=but_not)
    for word in title.split():
        found = found.filter(folding.holds(word, "title", "filename"))
    return found.only("uuid", "title")[:DOCUMENTS_SHOWN]
