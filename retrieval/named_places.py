"""Places that a question names ("on page 12", "in Figure 3"), and what stands there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import F, Q

from ingestion.captions import Label, label_of, labels_in
from ingestion.models import Chunk, ChunkKind
from retrieval.fusion import Ranking

# "I" alone is a page where no other word comes next: not in "the page I need" or "I'm".
_LONE_I = r"i(?!['’]|\s+(?!(?:of|in|and|to|or)\b)[^\W\d_])"
_NUMBER = rf"(?:\d{{1,5}}|[ivxlc]{{2,7}}|[vxlc]|{_LONE_I})"
_PAGES = re.compile(
    rf"\b(?:pages?|pp?\.|slides?)\s*(?:no\.?|number|#)?\s*"
    rf"({_NUMBER}\b(?:\s*(?:,|and|&|to|-|–|or)\s*{_NUMBER}\b)*)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"^(\d+)\s*(?:to|-|–)\s*(\d+)$")
_FIRST_PAGE = re.compile(r"\b(?:first|cover|title)\s+(?:page|slide)\b", re.IGNORECASE)
_LAST_PAGE = re.compile(r"\b(?:last|final)\s+(?:page|slide)\b", re.IGNORECASE)
# Longer ranges name a part of a document, not places.
LONGEST_RANGE = 20
# A place is looked up in so many of the documents that were found, the best first.
DOCUMENTS = 3
# So many passages come first because of where they stand; the rest of the list follows.
MOST = 5


@dataclass(frozen=True, slots=True)
class NamedPlaces:
    """Page numbers as written, physical or printed ("12", "iv"), and figures by their names.

    `first_page` and `last_page` stand for cover and end; a label is such as ("figure", "3").
    """

    pages: frozenset[str] = frozenset()
    labels: frozenset[Label] = frozenset()
    first_page: bool = False
    last_page: bool = False

    def __bool__(self) -> bool:
        return bool(self.pages or self.labels or self.first_page or self.last_page)


def named_in(question: str) -> NamedPlaces:
    """Find the places that a question names."""
    return NamedPlaces(
        pages=_pages(question),
        labels=frozenset(labels_in(question)),
        first_page=bool(_FIRST_PAGE.search(question)),
        last_page=bool(_LAST_PAGE.search(question)),
    )


def _pages(question: str) -> frozenset[str]:
    found: set[str] = set()
    for match in _PAGES.finditer(question):
        listed = match.group(1).lower()
        if span := _RANGE.match(listed):
            first, last = int(span.group(1)), int(span.group(2))
            if first <= last < first + LONGEST_RANGE:
                found.update(map(str, range(first, last + 1)))
            continue
        found.update(re.findall(_NUMBER, listed))
    return frozenset(found)


def chunks_at(places: NamedPlaces, document_ids: Iterable[int]) -> list[int]:
    """Return the chunks of these documents that stand at the places, in reading order."""
    chunks = Chunk.objects.live().filter(document__in=list(document_ids)).order_by()
    found = set(chunks.filter(_on_pages(places)).values_list("pk", "document_id", "order"))
    if places.labels:
        figures = chunks.filter(kind__in=(ChunkKind.TABLE, ChunkKind.IMAGE)).exclude(caption="")
        for pk, document_id, order, caption in figures.values_list(
            "pk", "document_id", "order", "caption"
        ):
            if label_of(caption) in places.labels:
                found.add((pk, document_id, order))
    return [pk for pk, *_ in sorted(found, key=lambda row: row[1:])]


def _on_pages(places: NamedPlaces) -> Q:
    numbers = [int(page) for page in places.pages if page.isdigit()]
    condition = Q(page_number__in=numbers) | Q(page__label__in=list(places.pages))
    if places.first_page:
        condition |= Q(page_number=1)
    if places.last_page:
        condition |= Q(page_number=F("document__page_count"))
    return condition


def put_first(ranking: Ranking, named: Sequence[int]) -> list[tuple[int, float]]:
    """Let the best of what was named lead the ranking, in the ranking's order among itself.

    What the ranking does not hold counts as its last; scores stay in descending order.
    """
    if not ranking:
        return []
    scores = dict(ranking)
    low, high = min(scores.values()), max(scores.values())
    # Sorting keeps the reading order among equal scores.
    first = sorted(named, key=lambda pk: -scores.get(pk, low))[:MOST]
    lifted = [(pk, scores.get(pk, low) - low + high) for pk in first]
    return [*lifted, *(pair for pair in ranking if pair[0] not in set(first))]
