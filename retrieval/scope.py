"""What one person's search may look at: permissions and filters, as one candidate filter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from ingestion.models import Document
from retrieval.candidates import CandidateFilter


def allowed(
    user: Any,
    *,
    collections: Iterable[int] = (),
    documents: Iterable[int] = (),
    kinds: Iterable[str] | None = None,
    pages: tuple[int, int] | None = None,
) -> CandidateFilter:
    """Limit a search to the searchable documents that the user may read.

    Of these, only what lies in the chosen collections or is a chosen document, when any is
    chosen. What the user may not read, or does not exist, adds nothing: a choice of only such
    things leaves an empty filter, which finds nothing. `pages` is first and last, inclusive.
    """
    readable = Document.objects.visible_to(user).searchable()
    collections, documents = list(collections), list(documents)
    if collections or documents:
        readable = readable.filter(Q(collection__in=collections) | Q(pk__in=documents))
    return CandidateFilter(
        document_ids=frozenset(readable.values_list("pk", flat=True)),
        kinds=None if kinds is None else frozenset(kinds),
        pages=pages,
    )
