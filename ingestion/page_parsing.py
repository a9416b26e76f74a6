"""One open page into its content: blocks, page image, crops of tables and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Protocol

from ingestion import images
from ingestion.blocks import build_blocks
from ingestion.layout import Block, Box, PageContent, PageImage, TextSource
from ingestion.raw_page import RawPage

POINTS_PER_INCH = 72
PAGE_DPI, LONGEST_PAGE_SIDE = 144, 2200
CROP_DPI, LONGEST_CROP_SIDE = 200, 1600
CROP_MARGIN = 3.0
# More unreadable characters than this and the text layer is of no use.
MOST_UNREADABLE = 0.3


class Renderable(Protocol):
    """An open page: see ingestion.pdf.PdfPage."""

    def read(self) -> RawPage: ...

    def render(self, box: Box | None, *, scale: float) -> tuple[int, int, bytes]: ...


def parse_page(page: Renderable, *, outline: Mapping[str, int]) -> PageContent:
    """Read, understand and render a page; `outline` tells headings' levels by their text."""
    raw = page.read()
    blocks = build_blocks(raw, outline=outline)
    rendered = _page_image(page, raw)
    blocks, crops = _with_crops(page, raw, blocks)
    source, warnings = _text_source(raw)
    return PageContent(
        number=raw.number,
        width=raw.width,
        height=raw.height,
        text_source=source,
        blocks=blocks,
        label=raw.label,
        images=(rendered, *crops),
        warnings=warnings,
    )


def _text_source(raw: RawPage) -> tuple[TextSource, tuple[str, ...]]:
    if not raw.words:
        empty = "It holds no text that can be read; what it shows is kept as an image."
        return "none", (empty,)
    if raw.unreadable > MOST_UNREADABLE:
        broken = "Most characters of its text cannot be read: the file does not say what they are."
        return "text_layer", (broken,)
    return "text_layer", ()


def _page_image(page: Renderable, raw: RawPage) -> PageImage:
    return images.encode("page", *page.render(None, scale=page_scale(raw.width, raw.height)))


def page_scale(width: float, height: float) -> float:
    """Pixels per point of the page image."""
    return min(PAGE_DPI / POINTS_PER_INCH, LONGEST_PAGE_SIDE / max(width, height))


def _with_crops(
    page: Renderable, raw: RawPage, blocks: tuple[Block, ...]
) -> tuple[tuple[Block, ...], list[PageImage]]:
    """Render tables and pictures; drop pictures that turn out to show nothing."""
    crops: list[PageImage] = []

    def cropped() -> Iterator[Block]:
        for block in blocks:
            if block.kind not in ("table", "picture"):
                yield block
                continue
            pixels = page.render(_with_margin(block.box, raw.box), scale=crop_scale(block.box))
            if images.is_blank(*pixels):
                if block.lines:
                    yield block
                continue
            crops.append(images.encode(f"crop-{len(crops) + 1}", *pixels))
            yield replace(block, image=crops[-1].name)

    return tuple(cropped()), crops


def crop_scale(box: Box) -> float:
    """Pixels per point of a crop."""
    return min(CROP_DPI / POINTS_PER_INCH, LONGEST_CROP_SIDE / max(box.width, box.height))


def _with_margin(box: Box, page: Box) -> Box:
    return Box(
        max(page.x0, box.x0 - CROP_MARGIN),
        max(page.y0, box.y0 - CROP_MARGIN),
        min(page.x1, box.x1 + CROP_MARGIN),
        min(page.y1, box.y1 + CROP_MARGIN),
    )
