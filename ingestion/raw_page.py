"""What is read from a page before any of it is understood: words, regions, images.

Plain, frozen data, so that everything that makes sense of a page is free of the PDF
library. Boxes are PDF points with the origin at the top left of the page as shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from ingestion.layout import BlockKind, Box


@dataclass(frozen=True, slots=True)
class Word:
    """Characters between two spaces.

    `run` counts the stretches of text that the file itself keeps together as a line;
    `origin` is the height of the baseline, and `size` the font's, in points. `upright` is
    False for text that does not run from left to right or right to left. `parts` are the
    stretches of a word whose letters are raised, lowered, or of different size.
    """

    text: str
    box: Box
    run: int
    origin: float
    size: float
    bold: bool = False
    upright: bool = True
    parts: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """A labelled area of a page; for a table with the lines between rows and columns."""

    kind: BlockKind
    box: Box
    rows: tuple[float, ...] = ()
    columns: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Pixels:
    """A rendered area: RGB bytes row by row, `scale` pixels per point, its corner on the page."""

    width: int
    height: int
    rgb: bytes
    scale: float
    left: float = 0.0
    top: float = 0.0


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as it was read. `rasters` are the boxes of the images placed on it."""

    width: float
    height: float
    words: tuple[Word, ...]
    regions: tuple[Region, ...]
    rasters: tuple[Box, ...] = ()

    @property
    def box(self) -> Box:
        return Box(0.0, 0.0, self.width, self.height)
