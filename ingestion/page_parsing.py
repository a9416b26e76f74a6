"""One open page into its content: blocks, page image, crops of tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ingestion import holes, images, text_source
from ingestion.blocks import build_blocks
from ingestion.drawn_grids import with_drawn_cells
from ingestion.drawn_regions import with_charts_told
from ingestion.figures import POINTS_PER_INCH, Figures
from ingestion.layout import Box, PageContent, TextSource
from ingestion.ocr import OcrError, Reader, Reading
from ingestion.picture_edges import Inked
from ingestion.raw_page import Pixels, RawPage, Region, Word

PAGE_DPI, LONGEST_PAGE_SIDE = 144, 2200
# A page that shows less than this, as a share, is empty: a single word is a hundred times more.
LEAST_INK = 1e-5
# A page with fewer characters that shows more than this share beside them is looked at.
FEWEST_CHARACTERS, UNEXPLAINED = 80, 0.004
# Less sure than this, and people are told.
UNCERTAIN = 0.8

NO_TEXT = "It holds no text that can be read; what it shows is kept as an image."
GARBLED = (
    "Its text is stored in a way that cannot be decoded, and could not be read from its image."
)
HOLED = "Some letters of its text could not be decoded."
NO_CELLS = "A table on it could not be cut into cells."


class OpenPage(Protocol):
    """An open page: see ingestion.pdf_page.PdfPage."""

    number: int
    label: str
    width: float
    height: float

    def words(self) -> tuple[Word, ...]: ...

    def rasters(self) -> tuple[Box, ...]: ...

    def regions(self) -> tuple[Region, ...]: ...

    def regions_over(self, words: Sequence[Word], pixels: Pixels) -> tuple[Region, ...]: ...

    def render(self, box: Box | None, *, scale: float) -> Pixels: ...


@dataclass(frozen=True, slots=True)
class _Text:
    """What there is to read on a page, and where it is from."""

    words: tuple[Word, ...]
    source: TextSource
    confidence: float | None = None
    warnings: tuple[str, ...] = ()


def parse_page(page: OpenPage, *, outline: Mapping[str, int], reader: Reader) -> PageContent:
    """Read, understand and render a page; `outline` tells headings' levels by their text."""
    pixels = page.render(None, scale=page_scale(page.width, page.height))
    rasters = page.rasters()
    inked = Inked(pixels)
    text = _text(page, rasters, pixels, inked, reader)
    over = text.source in ("ocr", "mixed")
    regions = page.regions_over(text.words, pixels) if over else page.regions()
    regions = with_drawn_cells(regions, text.words, pixels)
    whole = Box(0.0, 0.0, page.width, page.height)
    raw = RawPage(
        width=page.width,
        height=page.height,
        words=text.words,
        regions=with_charts_told(regions, text.words, inked, whole),
        rasters=rasters,
    )
    figures = Figures(page, raw, reader)
    blocks = figures.complete(build_blocks(raw, outline=outline), inked)
    source: TextSource = text.source
    if figures.were_read:
        source = "ocr" if source in ("ocr", "none") else "mixed"
    cells_missing = any(block.kind == "table" and block.table is None for block in blocks)
    return PageContent(
        number=page.number,
        width=page.width,
        height=page.height,
        text_source=source,
        blocks=blocks,
        label=page.label,
        images=(images.encode("page", pixels), *figures.crops),
        warnings=(*text.warnings, *((NO_CELLS,) if cells_missing else ())),
        ocr_confidence=text.confidence,
    )


def page_scale(width: float, height: float) -> float:
    """Pixels per point of the page image."""
    return min(PAGE_DPI / POINTS_PER_INCH, LONGEST_PAGE_SIDE / max(width, height))


def _text(
    page: OpenPage, rasters: Sequence[Box], pixels: Pixels, inked: Inked, reader: Reader
) -> _Text:
    words = page.words()
    state = text_source.assess(words, rasters, Box(0.0, 0.0, page.width, page.height))
    if state == "good" and _draws_words(words, inked):
        state = "partial"
    if state == "good" or images.is_blank(pixels, ink=LEAST_INK):
        return _Text(words, "text_layer" if words else "none")
    if state in ("partial", "doubtful") and not images.is_drawn(pixels):
        return _Text(words, "text_layer")
    try:
        reading = reader.read(pixels)
    except OcrError:
        reading = Reading()
    return _combined(words, state, reading)


def _draws_words(words: Sequence[Word], inked: Inked) -> bool:
    """Tell whether a page that says next to nothing shows more: titles are often drawings."""
    if sum(len(word.text) for word in words) > FEWEST_CHARACTERS:
        return False
    return inked.share_outside([word.box for word in words]) > UNEXPLAINED


def _combined(words: tuple[Word, ...], state: text_source.TextState, reading: Reading) -> _Text:
    if state == "holed":
        whole = holes.filled(words, reading.words)
        left = (HOLED,) if any(map(holes.has_hole, whole)) else ()
        return _Text(whole, "text_layer", warnings=left)
    if not reading.words:
        if state == "missing":
            return _Text((), "none", warnings=(NO_TEXT,))
        return _Text(words, "text_layer", warnings=(GARBLED,) if state == "garbled" else ())
    warnings = _uncertainty(reading)
    if state == "doubtful" and not text_source.is_better(reading.words, reading.confidence, words):
        return _Text(words, "text_layer")
    if state != "partial":
        return _Text(reading.words, "ocr", reading.confidence, warnings)
    more = text_source.added(reading.words, words)
    if not more:
        return _Text(words, "text_layer")
    return _Text((*words, *more), "mixed", reading.confidence, warnings)


def _uncertainty(reading: Reading) -> tuple[str, ...]:
    sure = reading.confidence or 0.0
    if sure >= UNCERTAIN:
        return ()
    return (f"Its text was read from the image, and is uncertain (confidence {sure:.0%}).",)
