"""Charts that the layout model took for text: few words, and much that is drawn between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ingestion.layout import Box
from ingestion.picture_edges import Inked
from ingestion.raw_page import Region, Word

# A drawing is at least this large, in points and as a share of the page.
SMALLEST_SIDE, SMALLEST_SHARE = 70.0, 0.03
# Text fills more of its area than this; what is drawn between the words of a chart shows on
# more than this share of it.
MOST_WRITTEN, LEAST_DRAWN = 0.15, 0.005


def with_charts_told(
    regions: Iterable[Region], words: Sequence[Word], inked: Inked, page: Box
) -> tuple[Region, ...]:
    """Call those regions pictures that are labelled as text, but hold a drawing."""
    return tuple(
        replace(region, kind="picture") if _is_chart(region, words, inked, page) else region
        for region in regions
    )


def _is_chart(region: Region, words: Sequence[Word], inked: Inked, page: Box) -> bool:
    box = region.box
    if region.kind != "text" or min(box.width, box.height) < SMALLEST_SIDE:
        return False
    if box.area < SMALLEST_SHARE * page.area:
        return False
    inside = [word.box for word in words if box.contains(word.box.center)]
    if sum(word.area for word in inside) > MOST_WRITTEN * box.area:
        return False
    return inked.share_drawn(box, inside) > LEAST_DRAWN
