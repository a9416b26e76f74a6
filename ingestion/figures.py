"""Crops of a page's tables and pictures, and the words inside pictures that are bitmaps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from ingestion import images
from ingestion.layout import Block, Box, PageImage
from ingestion.lines import build_lines, prevailing_size
from ingestion.ocr import OcrError, Reader, Reading
from ingestion.picture_edges import Inked
from ingestion.raw_page import Pixels, RawPage

POINTS_PER_INCH = 72
CROP_DPI, LONGEST_SIDE = 200, 1600
MARGIN = 3.0
# Smaller pictures, in points, are not read; nor are more once a page has had its seconds.
SMALLEST_READ = 70.0
READING_SECONDS = 12.0


class Renderable(Protocol):
    def render(self, box: Box | None, *, scale: float) -> Pixels: ...


class Figures:
    """Renders the figures of one page; `crops` and `were_read` tell of it afterwards."""

    def __init__(self, page: Renderable, raw: RawPage, reader: Reader) -> None:
        self._page = page
        self._raw = raw
        self._reader = reader
        self._seconds_left = READING_SECONDS
        self.crops: list[PageImage] = []
        self.were_read = False

    def complete(self, blocks: Sequence[Block], inked: Inked) -> tuple[Block, ...]:
        """Give tables and pictures their crops; drop pictures that show nothing."""
        completed: list[Block] = []
        for block in blocks:
            if block.kind == "picture":
                others = [other.box for other in blocks if other is not block]
                block = replace(block, box=inked.grown(block.box, others))
            cropped = self._cropped(block) if block.kind in ("table", "picture") else block
            if cropped is not None:
                completed.append(cropped)
        return tuple(completed)

    def _cropped(self, block: Block) -> Block | None:
        box = _with_margin(block.box, self._raw.box)
        pixels = self._page.render(box, scale=crop_scale(box))
        if images.is_blank(pixels):
            return block if block.lines else None
        crop = images.encode(f"crop-{len(self.crops) + 1}", pixels)
        self.crops.append(crop)
        block = replace(block, image=crop.name, fingerprint=images.fingerprint(pixels))
        if block.kind == "picture" and not block.lines and self._is_bitmap(block.box):
            return self._with_inner_text(block, pixels)
        return block

    def _is_bitmap(self, box: Box) -> bool:
        large = min(box.width, box.height) >= SMALLEST_READ
        return large and sum(raster.overlap(box) for raster in self._raw.rasters) > box.area / 2

    def _with_inner_text(self, block: Block, pixels: Pixels) -> Block:
        if self._seconds_left <= 0 or not images.is_drawn(pixels):
            return block
        before = time.process_time()
        try:
            reading = self._reader.read(pixels)
        except OcrError:
            reading = Reading()
        self._seconds_left -= time.process_time() - before
        if not reading.words:
            return block
        self.were_read = True
        return replace(
            block, lines=build_lines(reading.words), font_size=prevailing_size(reading.words)
        )


def crop_scale(box: Box) -> float:
    """Pixels per point of a crop."""
    return min(CROP_DPI / POINTS_PER_INCH, LONGEST_SIDE / max(box.width, box.height))


def _with_margin(box: Box, page: Box) -> Box:
    return Box(
        max(page.x0, box.x0 - MARGIN),
        max(page.y0, box.y0 - MARGIN),
        min(page.x1, box.x1 + MARGIN),
        min(page.y1, box.y1 + MARGIN),
    )
