"""The document page: sheets, the regions that chunks cover on them, and boxed evidence."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.urls import reverse

from ingestion.file_responses import version_of
from ingestion.models import Chunk, ChunkKind, Document, Page
from ingestion.table_grid import Grid, grid

# US Letter, for pages that were not parsed yet.
DEFAULT_SIZE = (612.0, 792.0)
# So many pages before and after the current one are there at once, also without a script.
AROUND = 2
# So many chunks before a page's first one are looked at for some that reach onto it.
REACH = 8
SHEET_FIELDS = ("number", "label", "width", "height", "state", "image", "warnings")


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle as SVG wants it, in PDF points."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Region:
    """Where a chunk stands on one page."""

    chunk: Chunk
    rects: tuple[Rect, ...]

    @property
    def name(self) -> str:
        return self.chunk.caption or self.chunk.text[:80] or self.chunk.get_kind_display()


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as the panel beside the page lists it."""

    chunk: Chunk
    table: Grid | None
    image_url: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of the viewer; `regions` is None where it is fetched when scrolled to."""

    page: Page
    width: float
    height: float
    image_url: str
    evidence: tuple[Rect, ...] = ()
    regions: tuple[Region, ...] | None = None


@dataclass(frozen=True, slots=True)
class PageCoverage:
    """How many live chunks of each kind stand on a page; one over two pages counts on both."""

    page: Page
    text: int = 0
    table: int = 0
    image: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a citation points at: rectangles by page number."""

    rects: dict[int, tuple[Rect, ...]] = field(default_factory=dict)

    @property
    def first_page(self) -> int | None:
        return min(self.rects, default=None)


def parse_evidence(boxes: Iterable[str]) -> Evidence:
    """Read `page,x0,y0,x1,y1` in PDF points; what is not such a box is left out."""
    rects: dict[int, tuple[Rect, ...]] = {}
    for text in boxes:
        try:
            page, x0, y0, x1, y1 = (float(part) for part in text.split(","))
        except ValueError:
            continue
        if all(map(math.isfinite, (page, x0, y0, x1, y1))) and x1 > x0 and y1 > y0:
            rects[int(page)] = (*rects.get(int(page), ()), Rect(x0, y0, x1 - x0, y1 - y0))
    return Evidence(rects)


def sheets(document: Document, *, current: int, evidence: Evidence) -> list[Sheet]:
    """Return every page of the document; those around the current one with their regions."""
    around = range(max(1, current - AROUND), current + AROUND + 1)
    found = regions(document, around)
    pages = document.pages.only("document_id", *SHEET_FIELDS)
    return [_sheet(page, document, evidence, found.get(page.number)) for page in pages]


def sheet(document: Document, number: int, *, evidence: Evidence) -> Sheet:
    """Return one page with its regions; raises Page.DoesNotExist."""
    page = document.pages.only("document_id", *SHEET_FIELDS).get(number=number)
    found = regions(document, range(number, number + 1))
    return _sheet(page, document, evidence, found[number])


def _sheet(
    page: Page, document: Document, evidence: Evidence, found: tuple[Region, ...] | None
) -> Sheet:
    width, height = (page.width, page.height) if page.width and page.height else DEFAULT_SIZE
    rects = evidence.rects.get(page.number, ())
    return Sheet(page, width, height, page_image_url(page, document), rects, found)


def page_image_url(page: Page, document: Document) -> str:
    if not page.image:
        return ""
    address = reverse("ingestion:page_image", args=[document.uuid, page.number])
    return f"{address}?v={version_of(page.image)}"


def crop_url(chunk: Chunk, document: Document) -> str:
    if not chunk.image:
        return ""
    address = reverse("ingestion:crop", args=[document.uuid, chunk.pk])
    return f"{address}?v={version_of(chunk.image)}"


def regions(document: Document, numbers: range) -> dict[int, tuple[Region, ...]]:
    """Return where the live chunks stand on these pages, those that began before them too."""
    live = document.chunks.live()
    # In reading order, what reaches over stands right before what begins on the page.
    before = live.filter(page_number__lt=numbers.start).order_by("-order")[:REACH]
    inside = live.filter(page_number__range=(numbers.start, numbers.stop - 1))
    chunks = [*reversed(before), *inside]
    found = [
        (number, Region(chunk, _rects(chunk, number))) for chunk in chunks for number in numbers
    ]
    return {
        number: tuple(region for on, region in found if on == number and region.rects)
        for number in numbers
    }


def _rects(chunk: Chunk, number: int) -> tuple[Rect, ...]:
    if chunk.page_number == number:
        return (_rect(chunk.box),)
    boxes = [span[3:7] for span in chunk.spans if span[2] == number]
    if not boxes:
        return ()
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return (_rect([min(x0), min(y0), max(x1), max(y1)]),)


def _rect(box: list[float]) -> Rect:
    x0, y0, x1, y1 = box
    return Rect(x0, y0, round(x1 - x0, 1), round(y1 - y0, 1))


def passages(document: Document, number: int) -> list[Passage]:
    """Return the live chunks that stand on a page, in reading order."""
    found = regions(document, range(number, number + 1))[number]
    return _passages((region.chunk for region in found), document)


def figures(document: Document) -> list[Passage]:
    """Return the document's live tables and images, in reading order."""
    return _passages(document.chunks.live().exclude(kind=ChunkKind.TEXT), document)


def _passages(chunks: Iterable[Chunk], document: Document) -> list[Passage]:
    return [
        Passage(
            chunk=chunk,
            table=grid(chunk.table) if chunk.table else None,
            image_url=crop_url(chunk, document),
        )
        for chunk in chunks
    ]


def coverage(document: Document) -> list[PageCoverage]:
    """Return what was found on each page, in order."""
    counted: dict[int, Counter[str]] = defaultdict(Counter)
    chunks = document.chunks.live().order_by().values_list("kind", "page_number", "spans")
    for kind, begins, spans in chunks.iterator():
        for number in {begins, *(span[2] for span in spans)}:
            counted[number][ChunkKind(kind).value] += 1
    pages = document.pages.defer("layout")
    return [PageCoverage(page, **counted[page.number]) for page in pages]
