"""A place on a document's page that a question is about: found, cut out, read."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage

from answers.evidence import Evidence
from ingestion import viewer
from ingestion.errors import PermanentError
from ingestion.layout import Box, TextSpan
from ingestion.models import Chunk, ChunkKind, Document, Page

# A smaller place is a slip of the hand.
SMALLEST = 4.0
# A table that lies in the place with at least this share is meant as a whole.
MEANT = 0.6
JPEG_QUALITY = 88
NOT_A_PLACE = "The place in the document cannot be read. Mark it again."
GONE = "The page that you marked is no longer there, or you may not read it."


@dataclass(frozen=True, slots=True)
class Region:
    """A box, in PDF points, on a page that has an image."""

    document: Document
    page: Page
    box: Box

    @property
    def address(self) -> str:
        """How forms and links name it; `find` reads it."""
        corners = ",".join(f"{value:g}" for value in self.box.as_list())
        return f"{self.document.uuid},{self.page.number},{corners}"

    @property
    def url(self) -> str:
        """The document's page with the place boxed."""
        return place_url(self.document, self.page.number, self.box.as_list())

    @property
    def label(self) -> str:
        return f"{self.document.title}, page {self.page.label or self.page.number}"


def place_url(document: Document, page: int, box: Sequence[float]) -> str:
    corners = ",".join(f"{value:g}" for value in box)
    return f"{document.get_absolute_url()}?page={page}&box={page},{corners}"


def find(address: str, user: Any) -> Region:
    """Read "document,page,x0,y0,x1,y1"; raises PermanentError where there is no such place."""
    name, _, rest = address.partition(",")
    try:
        uuid = UUID(name)
        number, *corners = (float(part) for part in rest.split(","))
    except ValueError as exc:
        raise PermanentError(NOT_A_PLACE) from exc
    return on_page(user, document=uuid, page=number, box=corners)


def on_page(user: Any, *, document: UUID, page: float, box: Sequence[float]) -> Region:
    """Find a place that the user may read, cut at the page's edges. Raises PermanentError."""
    if len(box) != 4 or not all(map(math.isfinite, (page, *box))):
        raise PermanentError(NOT_A_PLACE)
    readable = Document.objects.visible_to(user).filter(uuid=document)
    pages = Page.objects.filter(document__in=readable, number=int(page)).exclude(image="")
    found = pages.select_related("document").defer("layout").first()
    if found is None:
        raise PermanentError(GONE)
    x0, x1 = sorted(min(max(x, 0.0), found.width) for x in (box[0], box[2]))
    y0, y1 = sorted(min(max(y, 0.0), found.height) for y in (box[1], box[3]))
    if x1 - x0 < SMALLEST or y1 - y0 < SMALLEST:
        raise PermanentError(NOT_A_PLACE)
    return Region(found.document, found, Box(x0, y0, x1, y1))


@dataclass(frozen=True, slots=True)
class Place:
    """A place to choose: what it is called, and of which kind ("page" is the whole page)."""

    name: str
    kind: str
    region: Region


def places_on(page: Page) -> list[Place]:
    """The passages, tables and figures of a page in reading order, and the page as a whole."""
    found = viewer.regions(page.document, range(page.number, page.number + 1))[page.number]
    places = [
        Place(region.name, region.chunk.kind, Region(page.document, page, _box(region.rects[0])))
        for region in found
    ]
    whole = Box(0.0, 0.0, page.width, page.height)
    return [*places, Place("The whole page", "page", Region(page.document, page, whole))]


def _box(rect: viewer.Rect) -> Box:
    return Box(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)


def picture(region: Region) -> bytes:
    """Cut the place out of the page's image, as JPEG. Raises PermanentError where it is gone."""
    from PIL import Image

    try:
        with default_storage.open(region.page.image) as file, Image.open(file) as image:
            scale = image.width / region.page.width
            x0, y0, x1, y1 = (round(value * scale) for value in region.box.as_list())
            cut = image.convert("RGB").crop((x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))
    except FileNotFoundError as exc:
        raise PermanentError(GONE) from exc
    buffer = io.BytesIO()
    cut.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


def chunks_on(document: Document, number: int) -> list[Chunk]:
    """The live chunks that stand on a page, in reading order."""
    found = viewer.regions(document, range(number, number + 1))[number]
    return [region.chunk for region in found]


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands inside a place: its kind of evidence, its text with places, and captions."""

    kind: str
    text: str
    spans: tuple[TextSpan, ...]
    caption: str


def contents(chunks: Iterable[Chunk], number: int, box: Box) -> Contents:
    """Read what lies inside a box of a page: lines of text, and whole tables that are meant."""
    texts: list[str] = []
    spans: list[TextSpan] = []
    captions: list[str] = []
    tables = 0
    for chunk in chunks:
        inside = chunk.page_number == number and Box(*chunk.box).inside(box) >= MEANT
        if inside and chunk.caption:
            captions.append(chunk.caption)
        if chunk.kind == ChunkKind.TABLE and not inside:
            continue
        tables += chunk.kind == ChunkKind.TABLE
        text, found = _whole(chunk) if chunk.kind == ChunkKind.TABLE else _lines(chunk, number, box)
        if text:
            start = sum(len(one) + 1 for one in texts)
            spans += [TextSpan(a + start, b + start, page, where) for a, b, page, where in found]
            texts.append(text)
    kind = ChunkKind.TEXT if texts else ChunkKind.IMAGE
    if tables and len(texts) == tables == 1:
        kind = ChunkKind.TABLE
    return Contents(str(kind), "\n".join(texts), tuple(spans), " ".join(captions))


_Found = list[tuple[int, int, int, Box]]


def _whole(chunk: Chunk) -> tuple[str, _Found]:
    return chunk.text, [(a, b, page, Box(*corners)) for a, b, page, *corners in chunk.spans]


def _lines(chunk: Chunk, number: int, box: Box) -> tuple[str, _Found]:
    """The lines of a chunk whose middle lies in the box."""
    said: list[str] = []
    found: _Found = []
    for start, end, page, *corners in chunk.spans:
        where = Box(*corners)
        if page == number and box.contains(where.center):
            line = chunk.text[start:end].strip()
            at = sum(len(one) + 1 for one in said)
            said.append(line)
            found.append((at, at + len(line), page, where))
    return "\n".join(said), found


def evidence_of(region: Region, *, crop: str, crop_size: tuple[int, int]) -> Evidence:
    """The place as the first evidence of an answer; `crop` is the storage name of its picture."""
    number = region.page.number
    inside = contents(chunks_on(region.document, number), number, region.box)
    return Evidence(
        number=0,
        kind=inside.kind,
        text=inside.text,
        document_id=region.document.pk,
        document_title=region.document.title,
        source=region.document.sha256,
        collection_id=region.document.collection_id,
        page=number,
        page_label=region.page.label,
        page_size=(region.page.width, region.page.height),
        page_image=region.page.image,
        box=region.box,
        orders=(-1, -1),
        spans=inside.spans,
        caption=inside.caption,
        crop=crop,
        crop_size=crop_size,
        scores={"marked": True},
    )
