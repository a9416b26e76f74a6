"""The search page: what people look for, and each hit as they see it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from ingestion import viewer
from ingestion.models import Chunk, ChunkKind, Collection, Document, DocumentQuerySet
from retrieval import scope
from retrieval.candidates import CandidateFilter
from retrieval.highlighting import Part, Snippet, marked, plain_rows, snippet
from retrieval.request import Query
from retrieval.search import Hit, SearchResult, search

PER_PAGE = 20
MOST = 100
ALSO_SHOWN = 4
SOURCES = {
    "text": "meaning",
    "image": "image",
    "keywords": "words",
    "places": "place",
    "kind": "kind",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: a text, or more of a chunk's kind (`like`), within filters."""

    text: str = ""
    like: Chunk | None = None
    collection: Collection | None = None
    document: Document | None = None
    kinds: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    since: datetime.date | None = None
    until: datetime.date | None = None
    shown: int = PER_PAGE

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and self.like is None

    @property
    def is_narrowed(self) -> bool:
        """Whether some filter keeps things out."""
        return self.kinds != frozenset() or self.is_narrowed_to_documents

    @property
    def is_narrowed_to_documents(self) -> bool:
        return any((self.collection, self.document, self.tags, self.since, self.until))

    @property
    def without_each_tag(self) -> list[tuple[str, list[str]]]:
        """Each tag, and those that are left without it."""
        return [(tag, [other for other in self.tags if other != tag]) for tag in self.tags]


@dataclass(frozen=True, slots=True)
class Found:
    """One hit, ready to be shown."""

    hit: Hit
    caption: tuple[Part, ...]
    snippet: Snippet
    sheet: viewer.Sheet
    crop_url: str
    url: str
    place: str

    @property
    def chunk(self) -> Chunk:
        return self.hit.chunk

    @property
    def found_by(self) -> list[tuple[str, int]]:
        """Which sources had it, and at which rank."""
        return [(SOURCES.get(name, name), source.rank) for name, source in self.hit.sources.items()]

    @property
    def elsewhere(self) -> list[Elsewhere]:
        return [_elsewhere(chunk) for chunk in self.hit.repeats[:ALSO_SHOWN]]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where the same is said again."""

    title: str
    place: str
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    found: tuple[Found, ...]
    seconds: float
    notes: tuple[str, ...]
    documents: int
    more: int | None


def find(user: Any, wanted: Wanted) -> Answer:
    """Search what the user may read, as far as the filters let through.

    Raises PermanentError where nothing can be searched by what was asked.
    """
    where = _where(user, wanted)
    asked = Query(wanted.text, like=wanted.like.pk if wanted.like else None)
    result = search(asked, where=where, top_k=min(wanted.shown + 1, MOST))
    hits = result.hits[: wanted.shown]
    are_more = len(result.hits) > wanted.shown
    return Answer(
        found=tuple(_found(hits, wanted.text)),
        seconds=result.timings.get("total", 0.0),
        notes=_notes(result),
        documents=len(where.document_ids),
        more=min(wanted.shown + PER_PAGE, MOST) if are_more else None,
    )


def tags_of(user: Any) -> list[str]:
    """Return the tags of what the user may read, in order."""
    rows = _readable(user).exclude(tags=[]).values_list("tags", flat=True)
    return sorted({str(tag) for tags in rows for tag in tags})


def like(user: Any, pk: int) -> Chunk | None:
    """Return the chunk to find more like, where the user may read it."""
    return Chunk.objects.live().filter(document__in=_readable(user), pk=pk).first()


def _readable(user: Any) -> DocumentQuerySet:
    return Document.objects.visible_to(user).searchable()


def _where(user: Any, wanted: Wanted) -> CandidateFilter:
    where = scope.allowed(user, kinds=wanted.kinds or None)
    if not wanted.is_narrowed_to_documents:
        return where
    chosen = _readable(user).tagged(*wanted.tags).order_by()
    if wanted.collection:
        chosen = chosen.filter(collection=wanted.collection)
    if wanted.document:
        chosen = chosen.filter(pk=wanted.document.pk)
    # The first and the last day that there are keep nothing out, and have no midnight in UTC.
    if wanted.since and wanted.since > datetime.date.min:
        chosen = chosen.filter(created_at__gte=_midnight(wanted.since))
    if wanted.until and wanted.until < datetime.date.max:
        chosen = chosen.filter(created_at__lt=_midnight(wanted.until + datetime.timedelta(days=1)))
    # The filters only ever take away from what permissions let through.
    ids = where.document_ids & frozenset(chosen.values_list("pk", flat=True))
    return replace(where, document_ids=ids)


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


def _notes(result: SearchResult) -> tuple[str, ...]:
    return tuple(dict.fromkeys(result.notes))


def _found(hits: Sequence[Hit], query: str) -> Iterable[Found]:
    for hit in hits:
        chunk, document = hit.chunk, hit.chunk.document
        cut = snippet(_readable_text(chunk), query)
        boxes = _boxes(chunk, cut)
        page = boxes[0][0]
        yield Found(
            hit=hit,
            caption=marked(chunk.caption, query),
            snippet=cut,
            sheet=_sheet(chunk, boxes),
            crop_url=viewer.crop_url(chunk, document),
            url=f"{document.get_absolute_url()}?{_query(page, boxes)}",
            place=_place(chunk),
        )


def _elsewhere(chunk: Chunk) -> Elsewhere:
    boxes = [[chunk.page_number, *chunk.box]]
    url = f"{chunk.document.get_absolute_url()}?{_query(chunk.page_number, boxes)}"
    return Elsewhere(chunk.document.title, _place(chunk).lower(), url)


def _place(chunk: Chunk) -> str:
    return f"Page {chunk.page.label or chunk.page_number}"


def _readable_text(chunk: Chunk) -> str:
    """A table row by row, a figure's inner text in one line, and a passage as it is."""
    if chunk.kind == ChunkKind.TABLE:
        return plain_rows(chunk.text)
    return " · ".join(chunk.text.split("\n")) if chunk.kind == ChunkKind.IMAGE else chunk.text


def _boxes(chunk: Chunk, cut: Snippet) -> list[list[float]]:
    """What to box: the lines of the snippet, [page, x0, y0, x1, y1]; else the whole chunk."""
    if chunk.kind == ChunkKind.TEXT:
        spans = [span for span in chunk.spans if span[0] < cut.end and span[1] > cut.start]
        # Sentences share lines: each is boxed once.
        lines = dict.fromkeys(tuple(span[2:7]) for span in spans if span[2] == chunk.page_number)
        if lines:
            return [list(line) for line in lines]
    return [[chunk.page_number, *chunk.box]]


def _query(page: float, boxes: Iterable[Sequence[float]]) -> str:
    corners = [",".join(f"{value:g}" for value in box) for box in boxes]
    return urlencode({"page": int(page), "box": corners}, doseq=True, safe=",")


def _sheet(chunk: Chunk, boxes: Iterable[Sequence[float]]) -> viewer.Sheet:
    page, document = chunk.page, chunk.document
    width, height = (page.width, page.height) if page.width and page.height else viewer.DEFAULT_SIZE
    rects = tuple(viewer.Rect(x0, y0, x1 - x0, y1 - y0) for _, x0, y0, x1, y1 in boxes)
    return viewer.Sheet(page, width, height, viewer.thumbnail_url(page, document), rects)
