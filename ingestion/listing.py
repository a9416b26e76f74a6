"""The list of documents: filters, counts, and what each row shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Count, QuerySet
from django.db.models.expressions import Combinable

from ingestion import documents, folding, viewer
from ingestion.documents import Progress
from ingestion.models import (
    ACTIVE_STATES,
    Chunk,
    ChunkKind,
    Collection,
    Document,
    DocumentQuerySet,
    DocumentState,
    Page,
    PageState,
)

PER_PAGE = 50


class StateGroup(models.TextChoices):
    """The states that people tell apart when they look for a document."""

    ALL = "all", "All"
    READY = "ready", "Ready"
    ACTIVE = "active", "In progress"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


STATES_OF: dict[StateGroup, tuple[DocumentState, ...]] = {
    StateGroup.ALL: tuple(DocumentState),
    StateGroup.READY: (DocumentState.READY,),
    StateGroup.ACTIVE: ACTIVE_STATES,
    StateGroup.FAILED: (DocumentState.FAILED,),
    StateGroup.CANCELLED: (DocumentState.CANCELLED,),
}


class Order(models.TextChoices):
    NEWEST = "newest", "Newest first"
    OLDEST = "oldest", "Oldest first"
    TITLE = "title", "By name"
    LARGEST = "largest", "Most pages first"


COLUMNS_OF: dict[Order, tuple[str | Combinable, ...]] = {
    Order.NEWEST: ("-created_at", "-pk"),
    Order.OLDEST: ("created_at", "pk"),
    Order.TITLE: ("title", "pk"),
    Order.LARGEST: (models.F("page_count").desc(nulls_last=True), "pk"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    collection: Collection | None = None
    state: StateGroup = StateGroup.ALL
    name: str = ""
    tag: str = ""
    order: Order = Order.NEWEST

    @property
    def narrowed(self) -> bool:
        """Whether something other than the collection keeps documents out of the list."""
        return bool(self.name or self.tag) or self.state != StateGroup.ALL


@dataclass(frozen=True, slots=True)
class Contents:
    """Chunks of a document's live generation by kind, and pages that could not be read."""

    text: int = 0
    table: int = 0
    image: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    document: Document
    contents: Contents
    can_edit: bool
    progress: Progress | None
    thumbnail_url: str = ""


@dataclass(frozen=True, slots=True)
class StateCount:
    group: StateGroup
    count: int


def matching(user: Any, filters: Filters) -> QuerySet[Document]:
    """Return the documents that the user may see and the filters keep, in order."""
    found = _in_scope(user, filters).filter(state__in=STATES_OF[filters.state])
    return found.brief().select_related("collection").order_by(*COLUMNS_OF[filters.order])


def _in_scope(user: Any, filters: Filters) -> DocumentQuerySet:
    found = Document.objects.visible_to(user)
    if filters.collection:
        found = found.filter(collection=filters.collection)
    if filters.tag:
        found = found.tagged(filters.tag)
    return named(found, filters.name)


def named(found: DocumentQuerySet, name: str) -> DocumentQuerySet:
    """Keep the documents that have every word of the name in their title or file name."""
    for word in name.split():
        found = found.filter(folding.holds(word, "title", "filename"))
    return found


def state_counts(user: Any, filters: Filters) -> list[StateCount]:
    """Count by state what the other filters keep; states without documents are left out."""
    counted = _in_scope(user, filters).order_by().values("state").annotate(number=Count("pk"))
    by_state = {entry["state"]: entry["number"] for entry in counted}
    counts = [
        StateCount(group, sum(by_state.get(state, 0) for state in STATES_OF[group]))
        for group in StateGroup
    ]
    return [
        entry
        for entry in counts
        if entry.count or entry.group in (StateGroup.ALL, StateGroup.READY, filters.state)
    ]


def collections_with_counts(user: Any) -> QuerySet[Collection]:
    """Return the user's visible collections, own ones first.

    Each has `document_count`, and `can_edit`: whether the user may add documents to it.
    """
    own_first = models.Case(models.When(owner=user, then=0), default=1)
    editable = Collection.objects.editable_by(user)
    visible = Collection.objects.filter(pk__in=Collection.objects.visible_to(user).values("pk"))
    return (
        visible.select_related("owner")
        .annotate(
            document_count=Count("documents"),
            can_edit=models.Exists(editable.filter(pk=models.OuterRef("pk"))),
        )
        .order_by(own_first, "name", "pk")
    )


def rows(found: Sequence[Document], user: Any) -> list[Row]:
    """Put together what the rows of these documents show, in a few queries for all."""
    contents = contents_of(found)
    editable = set(
        Document.objects.editable_by(user)
        .filter(pk__in=[document.pk for document in found])
        .values_list("pk", flat=True)
    )
    first_pages = Page.objects.filter(document__in=found, number=1)
    first = {page.document_id: page for page in first_pages.only("document_id", "number", "image")}
    return [
        Row(
            document=document,
            contents=contents[document.pk],
            can_edit=document.pk in editable,
            progress=documents.progress(document) if document.is_active else None,
            thumbnail_url=(
                viewer.thumbnail_url(first[document.pk], document) if document.pk in first else ""
            ),
        )
        for document in found
    ]


def row(document: Document, user: Any) -> Row:
    return rows([document], user)[0]


def contents_of(found: Iterable[Document]) -> dict[int, Contents]:
    """Count live chunks by kind, and skipped pages, per document id."""
    ids = [document.pk for document in found]
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    chunks = Chunk.objects.live().filter(document__in=ids).order_by()
    for entry in chunks.values("document", "kind").annotate(number=Count("pk")):
        counts[entry["document"]][ChunkKind(entry["kind"]).value] = entry["number"]
    skipped = Page.objects.filter(document__in=ids, state=PageState.SKIPPED).order_by()
    for pk, number in skipped.values_list("document").annotate(number=Count("pk")):
        counts[pk]["skipped"] = number
    return {pk: Contents(**counts[pk]) for pk in ids}
