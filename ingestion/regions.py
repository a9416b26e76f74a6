"""Tidy the regions that the layout model finds, and share the words out among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ingestion.layout import BlockKind, Box
from ingestion.raw_page import RawPage, Region, Word
from ingestion.stacked_tables import apart

# A region that lies in another by this share is part of it.
INSIDE = 0.75
# A picture that covers this share of the page and holds text regions is a background.
BACKGROUND = 0.5
# Pictures that are smaller than this many points, or this share of the page, or that are so
# much longer than wide, decorate.
SMALLEST_SIDE = 24.0
SMALLEST_SHARE = 0.004
LONGEST = 15.0
# An image of this share of the page that no region holds is a picture that was overlooked.
OVERLOOKED = 0.03

# A word of which this share lies in a figure is part of it, if of nothing else.
REACHES_IN = 0.2

FIGURES: tuple[BlockKind, ...] = ("table", "picture")


def tidy(page: RawPage) -> tuple[Region, ...]:
    """Drop what lies in a table or picture, backgrounds, decorations and repetitions.

    Tables that the layout model took for one are several.
    """
    regions = [_clipped(region, page.box) for region in page.regions]
    regions = _without_backgrounds(regions, page.box)
    regions = [*regions, *_overlooked(regions, page)]
    kept: list[Region] = []
    for region in sorted(regions, key=_rank):
        if not any(_swallows(other, region) for other in kept):
            kept.append(region)
    return tuple(_with_tables_apart(tuple(_with_text_kept(kept, page)), page.words))


def _with_tables_apart(regions: Sequence[Region], words: Sequence[Word]) -> Iterable[Region]:
    shares, _ = share_out(words, regions)
    for region, share in zip(regions, shares, strict=True):
        yield from apart(region, share) if region.kind == "table" else (region,)


def _with_text_kept(regions: Iterable[Region], page: RawPage) -> Iterable[Region]:
    """Drop pictures that only decorate; those that hold words are text."""
    for region in regions:
        if region.kind != "picture" or _is_figure(region.box, page.box):
            yield region
        elif any(region.box.contains(word.box.center) for word in page.words):
            yield replace(region, kind="text")


def _rank(region: Region) -> tuple[int, float]:
    """Tables first, then pictures, then text; larger ones first."""
    order = {"table": 0, "picture": 1}
    return order.get(region.kind, 2), -region.box.area


def _swallows(kept: Region, region: Region) -> bool:
    inside = region.box.inside(kept.box)
    if kept.kind in FIGURES:
        return inside > INSIDE
    # Among text regions only repetitions go: an item may well lie in a list's box.
    return inside > INSIDE and kept.box.inside(region.box) > INSIDE


def _clipped(region: Region, page: Box) -> Region:
    box = region.box
    return replace(
        region,
        box=Box(
            max(box.x0, page.x0),
            max(box.y0, page.y0),
            max(min(box.x1, page.x1), max(box.x0, page.x0) + 1),
            max(min(box.y1, page.y1), max(box.y0, page.y0) + 1),
        ),
    )


def _without_backgrounds(regions: list[Region], page: Box) -> list[Region]:
    def is_background(region: Region) -> bool:
        if region.kind != "picture" or region.box.area < BACKGROUND * page.area:
            return False
        inner = [r for r in regions if r is not region and r.box.inside(region.box) > INSIDE]
        return sum(r.box.area for r in inner if r.kind != "picture") > 0.02 * page.area

    return [region for region in regions if not is_background(region)]


def _overlooked(regions: Sequence[Region], page: RawPage) -> Iterable[Region]:
    for raster in page.rasters:
        box = _clipped(Region("picture", raster), page.box).box
        if not OVERLOOKED * page.box.area < box.area < BACKGROUND * page.box.area:
            continue
        touched = sum(region.box.overlap(box) for region in regions)
        written = any(box.contains(word.box.center) for word in page.words)
        if touched < 0.05 * box.area and not written:
            yield Region("picture", box)


def _is_figure(box: Box, page: Box) -> bool:
    short, long = sorted((box.width, box.height))
    return (
        short >= SMALLEST_SIDE
        and box.area >= SMALLEST_SHARE * page.area
        and long <= LONGEST * short
    )


def share_out(
    words: Sequence[Word], regions: Sequence[Region]
) -> tuple[list[list[Word]], list[Word]]:
    """Give every word to the smallest region around its middle.

    A word that only reaches into a table or picture belongs to it where nothing else claims
    it: the layout model cuts figures close. Returns one list per region, and the words that
    stand in none. Words keep their order.
    """
    by_size = sorted(range(len(regions)), key=lambda i: regions[i].box.area)
    figures = [i for i in by_size if regions[i].kind in FIGURES]
    shares: list[list[Word]] = [[] for _ in regions]
    rest: list[Word] = []
    for word in words:
        middle = word.box.center
        home = next((i for i in by_size if regions[i].box.contains(middle)), None)
        if home is None:
            home = next((i for i in figures if word.box.inside(regions[i].box) > REACHES_IN), None)
        (rest if home is None else shares[home]).append(word)
    return shares, rest
