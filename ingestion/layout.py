"""What a parsed page looks like, before it becomes chunks.

Everything here is plain, frozen data: no ORM, no settings, no PDF library. Boxes are in
PDF points with the origin at the top left of the unrotated-as-shown page, so that a box
can be drawn over the page image by scaling alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

BlockKind = Literal[
    "title",
    "heading",
    "text",
    "list_item",
    "table",
    "picture",
    "caption",
    "formula",
    "footnote",
    "page_header",
    "page_footer",
]
TextSource = Literal["text_layer", "ocr", "mixed", "none"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in PDF points, origin top left, x1 > x0 and y1 > y0."""

    x0: float
    y0: float
    x1: float
    y1: float

    def __or__(self, other: Box) -> Box:
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def center(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def contains(self, point: tuple[float, float]) -> bool:
        return self.x0 <= point[0] <= self.x1 and self.y0 <= point[1] <= self.y1

    def overlap(self, other: Box) -> float:
        """The area that both cover, in square points."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    def inside(self, other: Box) -> float:
        """The share of this box, from 0 to 1, that `other` covers."""
        return self.overlap(other) / self.area if self.area else 0.0

    def as_list(self) -> list[float]:
        return [round(value, 1) for value in (self.x0, self.y0, self.x1, self.y1)]


@dataclass(frozen=True, slots=True)
class Line:
    """One visual line of text with its box."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell at (row, column), both from 0; spans count rows and columns covered."""

    row: int
    column: int
    text: str
    box: Box | None = None
    row_span: int = 1
    column_span: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """A table's grid: `cells` are in reading order; rows below `header_rows` are data.

    A table that runs over pages comes in `parts`, one per page, that share a `key` and each
    have the header; `part` counts them from 1. A table of one part has no key.
    """

    rows: int
    columns: int
    cells: tuple[TableCell, ...]
    header_rows: int = 1
    key: str = ""
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """One region of a page, in reading order.

    `lines` is what stands in the region (for a picture: the text inside it). `level` is the
    heading level from 1, for titles and headings whose level the page alone tells (the
    outline names them). `font_size` is the prevailing size of the text, in points. `image`
    names the crop among `PageContent.images` for pictures and tables, and `fingerprint`
    tells near-duplicate crops (see ingestion.images).
    """

    kind: BlockKind
    box: Box
    lines: tuple[Line, ...] = ()
    level: int | None = None
    table: Table | None = None
    image: str | None = None
    font_size: float = 0.0
    fingerprint: str = ""

    @property
    def text(self) -> str:
        return "\n".join(line.text for line in self.lines)


@dataclass(frozen=True, slots=True)
class PageImage:
    """An encoded raster: `data` is JPEG or PNG bytes, `width` and `height` are pixels."""

    name: str
    data: bytes
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PageContent:
    """Everything that parsing found on one page.

    `number` counts from 1; `width` and `height` are PDF points. `warnings` are sentences
    that a person can read. `images` holds the page image (named "page") and the crops.
    """

    number: int
    width: float
    height: float
    text_source: TextSource
    blocks: tuple[Block, ...]
    label: str = ""
    images: tuple[PageImage, ...] = ()
    warnings: tuple[str, ...] = ()
    ocr_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What a file says of itself: page count, metadata, outline [(level, title, page)]."""

    page_count: int
    metadata: dict[str, Any] = field(default_factory=dict)
    outline: tuple[tuple[int, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class TextSpan:
    """Where characters [start, end) of a chunk's text stand: physical page (from 1) and box."""

    start: int
    end: int
    page: int
    box: Box


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A chunk before it is stored.

    `text` is what may be quoted; `heading_path` (outermost first) and `caption` are context
    that is embedded but not quoted. For tables `text` is the Markdown of the cells. For
    images `text` is the text inside the picture. `references` are sentences elsewhere in
    the document that refer to the figure or table. `spans` map `text` to places on pages,
    in order. `image` names the crop of the page `page`.
    """

    kind: Literal["text", "table", "image"]
    page: int
    box: Box
    text: str
    spans: tuple[TextSpan, ...] = ()
    heading_path: tuple[str, ...] = ()
    caption: str = ""
    references: str = ""
    table: Table | None = None
    image: str | None = None
    token_count: int = 0


def context_text(chunk: Any) -> str:
    """Return what is embedded and searched of a chunk, a draft or a stored one.

    These are its headings, caption, text, and referring sentences.
    """
    parts = [" > ".join(chunk.heading_path), chunk.caption, chunk.text, chunk.references]
    return "\n".join(part for part in parts if part)
