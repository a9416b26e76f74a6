"""What a question is searched in, and what is found for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from django.db.models import Q

from answers import asking
from answers.models import Conversation
from ingestion.errors import PermanentError
from ingestion.models import Page
from retrieval import scope
from retrieval.candidates import CandidateFilter
from retrieval.request import Query
from retrieval.search import Hit, SearchResult, search

# More than are shown at the end: neighbours are joined and duplicates dropped.
HITS = 14
HITS_COMPARED = 28
# "On page 7": of each page named so many passages come first, in so many documents at most.
HITS_OF_PAGE = 3
PAGES_NAMED = 3
DOCUMENTS_WITH_PAGES = 5
NOTHING_TO_ASK = (
    "There is no document to search here. Upload one, or choose other collections or documents."
)
SOURCES_GONE = (
    "The documents that this conversation asked are gone. Choose others, or ask everything."
)


class NothingToSearch(PermanentError):
    """There is no document that this question could be asked of."""


def where_to_look(conversation: Conversation) -> CandidateFilter:
    """The documents that the conversation asks. Raises NothingToSearch where there are none."""
    collections = list(conversation.collections.values_list("pk", flat=True))
    documents = list(conversation.documents.values_list("pk", flat=True))
    if conversation.is_scoped and not collections and not documents:
        raise NothingToSearch(SOURCES_GONE)
    where = scope.allowed(conversation.owner, collections=collections, documents=documents)
    if not where.document_ids:
        raise NothingToSearch(NOTHING_TO_ASK)
    return where


def find(query: str, where: CandidateFilter, *, picture: bytes | None = None) -> SearchResult:
    """Search for a question: with room for several documents where it compares, and with the
    pages that it names first. A picture is looked up too, where a space's model can.
    """
    several = asking.compares(query) and len(where.document_ids) > 1
    asked = Query(query, image=picture) if picture else query
    result = search(asked, where=where, top_k=HITS_COMPARED if several else HITS)
    numbers = _pages_named(query, where)
    if not numbers:
        return result
    of_pages = [
        hit
        for number in numbers
        for hit in search(
            query, where=replace(where, pages=(number, number)), top_k=HITS_OF_PAGE
        ).hits
    ]
    return replace(result, hits=_first(of_pages, result.hits))


def _pages_named(query: str, where: CandidateFilter) -> list[int]:
    """The physical pages that the query names, by number or by printed label."""
    named = asking.pages_named(query)
    if not named or len(where.document_ids) > DOCUMENTS_WITH_PAGES:
        return []
    is_named = Q(label__in=named) | Q(number__in=[int(name) for name in named])
    pages = Page.objects.filter(is_named, document__in=where.document_ids)
    return sorted(set(pages.values_list("number", flat=True)))[:PAGES_NAMED]


def _first(better: Iterable[Hit], others: Collection[Hit]) -> tuple[Hit, ...]:
    by_chunk = {hit.chunk.pk: hit for hit in others}
    # A hit of the whole search knows its rank there, which is what people are shown.
    merged = {hit.chunk.pk: by_chunk.get(hit.chunk.pk, hit) for hit in better}
    return tuple((merged | {pk: h for pk, h in by_chunk.items() if pk not in merged}).values())
