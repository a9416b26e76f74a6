"""What one person's search may look at: permissions and filters, as one candidate filter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import ceil, floor
from typing import Any

from django.db.models import Q, QuerySet

from ingestion.models import Document
from retrieval.candidates import CandidateFilter, Combined, DocumentIn, KindIn, PagesBetween, Term
from retrieval.conditions import Condition, Filter

LAST_PAGE = 2**31 - 1


def allowed(
    user: Any,
    *,
    collections: Iterable[int] = (),
    documents: Iterable[int] = (),
    kinds: Iterable[str] | None = None,
    pages: tuple[int, int] | None = None,
    filters: Filter | None = None,
) -> CandidateFilter:
    """Limit a search to the searchable documents that the user may read.

    Of these, only what lies in the chosen collections or is a chosen document, when any is
    chosen. What the user may not read, or does not exist, adds nothing: a choice of only such
    things leaves an empty filter, which finds nothing. `pages` is first and last, inclusive.
    """
    readable = Document.objects.visible_to(user).searchable().order_by()
    collections, documents = list(collections), list(documents)
    if collections or documents:
        readable = readable.filter(Q(collection__in=collections) | Q(pk__in=documents))
    where = CandidateFilter(
        document_ids=frozenset(readable.values_list("pk", flat=True)),
        kinds=None if kinds is None else frozenset(kinds),
        pages=pages,
    )
    return narrowed(where, filters)


def narrowed(where: CandidateFilter, filters: Filter | None) -> CandidateFilter:
    """Add a filter to a scope: less is found, never more."""
    if filters is None:
        return where
    return replace(where, terms=(*where.terms, _combined(filters, where)))


def _combined(filters: Filter, where: CandidateFilter) -> Combined:
    def terms(conditions: tuple[Condition | Filter, ...]) -> tuple[Term, ...]:
        return tuple(
            _combined(each, where) if isinstance(each, Filter) else _term(each, where)
            for each in conditions
        )

    return Combined(terms(filters.must), terms(filters.should), terms(filters.must_not))


def _term(condition: Condition, where: CandidateFilter) -> Term:
    if condition.field == "kind":
        return KindIn(frozenset(str(kind) for kind in condition.any or ()))
    if condition.field == "page":
        return _pages(condition)
    documents = Document.objects.filter(pk__in=_few(where.document_ids)).order_by()
    return DocumentIn(frozenset(_matching(condition, documents)) & where.document_ids)


def _few(ids: frozenset[int]) -> Any:
    # SQLite takes so many parameters; a larger scope is cut out of the result instead.
    return ids if len(ids) <= 500 else Document.objects.searchable().values("pk")


def _matching(condition: Condition, documents: QuerySet[Document]) -> Iterable[int]:
    wanted: list[Any] = list(condition.any or ())
    if condition.field == "collection":
        return documents.filter(collection__in=wanted).values_list("pk", flat=True)
    if condition.field == "document":
        return documents.filter(uuid__in=wanted).values_list("pk", flat=True)
    # Read and compared here: what databases make of a number against a text differs.
    if condition.field == "tags":
        rows = documents.values_list("pk", "tags")
    else:
        rows = documents.values_list("pk", "metadata")
        key = condition.metadata_key
        rows = ((pk, metadata.get(key)) for pk, metadata in rows)  # type: ignore[assignment]
    return (pk for pk, value in rows if condition.met_by(value))


def _pages(condition: Condition) -> Term:
    first, last = 0, LAST_PAGE
    for name, bound in condition.bounds:
        number = float(bound)
        if name in ("gt", "gte"):
            first = max(first, floor(number) + 1 if name == "gt" else ceil(number))
        else:
            last = min(last, ceil(number) - 1 if name == "lt" else floor(number))
    within = PagesBetween(first, last)
    if condition.any is None:
        return within
    pages = tuple(PagesBetween(int(page), int(page)) for page in condition.any)
    return Combined(must=(within,), should=pages or (PagesBetween(1, 0),))
