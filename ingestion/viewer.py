"""The document page: sheets, the regions that chunks cover on them, and boxed evidence."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, replace

from django.urls import reverse

from ingestion.file_responses import version_of
from ingestion.layout import Box
from ingestion.models import Chunk, ChunkKind, Document, Page
from ingestion.table_grid import Grid, grid

# US Letter, for pages that were not parsed yet.
DEFAULT_SIZE = (612.0, 792.0)
# So many pages before and after the current one are there at once, also without a script.
AROUND = 2
# So many chunks before a page's first one are looked at for some that reach onto it.
REACH = 8
# Lines of a passage that are farther apart than this many of their heights get boxes of their own.
LINES_APART = 3.0
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
    """A chunk as the panel beside the page lists it; `pages`, of a table, are all of its own."""

    chunk: Chunk
    table: Grid | None
    image_url: str
    pages: tuple[int, ...] = ()

    @property
    def runs_on(self) -> bool:
        """Whether this is a part of a table that stands on several pages."""
        return bool(self.chunk.table and self.chunk.table.get("parts", 1) > 1)


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


def thumbnail_url(page: Page, document: Document) -> str:
    if not page.image:
        return ""
    address = reverse("ingestion:page_thumbnail", args=[document.uuid, page.number])
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
    chunks = _once([*reversed(before), *inside], _place)
    found = [
        (number, Region(chunk, _rects(chunk, number))) for chunk in chunks for number in numbers
    ]
    return {
        number: tuple(region for on, region in found if on == number and region.rects)
        for number in numbers
    }


def _place(chunk: Chunk) -> Hashable:
    """Tell what the chunks of a long table share: where on its page it stands."""
    return (chunk.page_number, *chunk.box) if chunk.table else chunk.pk


def _identity(chunk: Chunk) -> Hashable:
    """Tell what the chunks of one table share, over all of its pages."""
    return (chunk.table or {}).get("key") or _place(chunk)


def _once(chunks: Iterable[Chunk], key: Callable[[Chunk], Hashable]) -> list[Chunk]:
    """Keep the first chunk of each key."""
    first: dict[Hashable, Chunk] = {}
    for chunk in chunks:
        first.setdefault(key(chunk), chunk)
    return list(first.values())


def _rects(chunk: Chunk, number: int) -> tuple[Rect, ...]:
    lines = [Box(*map(float, span[3:7])) for span in chunk.spans if span[2] == number]
    if chunk.page_number == number and (chunk.kind != ChunkKind.TEXT or not lines):
        return (_rect(chunk.box),)
    return tuple(_rect(box.as_list()) for box in _columns(lines))


def _columns(lines: Iterable[Box]) -> list[Box]:
    """Box lines that stand below each other together: text goes around figures, and on beside."""
    found: list[Box] = []
    for line in lines:
        last = found[-1] if found else None
        if last and _goes_on_below(last, line):
            found[-1] = last | line
        else:
            found.append(line)
    return found


def _goes_on_below(above: Box, line: Box) -> bool:
    shared = min(above.x1, line.x1) - max(above.x0, line.x0)
    narrower = min(above.width, line.width)
    return shared > narrower / 2 and -line.height < line.y0 - above.y1 < LINES_APART * line.height


def _rect(box: list[float]) -> Rect:
    x0, y0, x1, y1 = box
    return Rect(x0, y0, round(x1 - x0, 1), round(y1 - y0, 1))


def passages(document: Document, number: int) -> list[Passage]:
    """Return the live chunks that stand on a page, in reading order."""
    found = regions(document, range(number, number + 1))[number]
    return _passages((region.chunk for region in found), document)


def figures(document: Document) -> list[Passage]:
    """Return the document's live tables and images, in reading order, each table once."""
    found = list(document.chunks.live().exclude(kind=ChunkKind.TEXT))
    pages: dict[Hashable, set[int]] = defaultdict(set)
    for chunk in found:
        pages[_identity(chunk)].add(chunk.page_number)
    return [
        replace(passage, pages=tuple(sorted(pages[_identity(passage.chunk)])))
        for passage in _passages(_once(found, _identity), document)
    ]


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
    tables: set[tuple[float, ...]] = set()
    chunks = document.chunks.live().order_by().values_list("kind", "page_number", "box", "spans")
    for kind, begins, box, spans in chunks.iterator():
        if kind == ChunkKind.TABLE:
            # The chunks of a long table all have its box.
            if (begins, *box) in tables:
                continue
            tables.add((begins, *box))
        for number in {begins, *(span[2] for span in spans)}:
            counted[number][ChunkKind(kind).value] += 1
    pages = document.pages.defer("layout")
    return [PageCoverage(page, **counted[page.number]) for page in pages]
