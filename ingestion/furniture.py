"""What stands on page after page and is no part of the text: running heads, page numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from ingestion.images import are_alike
from ingestion.layout import Block, PageContent

# Only blocks that lie this near to the upper or lower edge, as a share of the page.
EDGE = 0.12
# They are furniture from this many pages on, if that is at least this share of all pages.
FEWEST_PAGES = 3
SMALLEST_SHARE = 0.2
# At most this far, in points, from one page to the next.
DRIFT = 6.0
# Pictures that come back are logos up to this share of a page; places are told apart by
# steps of this many points.
LOGO = 0.06
COARSE = 12.0
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"^\W*(page|p\.|seite)?\W*(\d{1,4}|[ivxlc]{1,6})(\W+(of|/|von)?\W*\d+)?\W*$", re.I
)


def furniture(pages: Sequence[PageContent]) -> frozenset[tuple[int, int]]:
    """Return (page number, index of the block) of every block that is furniture.

    That is what the layout model calls a page header or footer, short text near the edges
    that comes back at the same height on many pages (page numbers aside), and logos. What the
    model alone calls so is kept where the page says nothing else.
    """
    found: set[tuple[int, int]] = set()
    labelled: set[tuple[int, int]] = set()
    seen: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for page in pages:
        for index, block in enumerate(page.blocks):
            if block.kind in ("page_header", "page_footer"):
                labelled.add((page.number, index))
            if _may_be(block, page):
                if _PAGE_NUMBER.match(block.text):
                    found.add((page.number, index))
                seen[_key(block)].append((page.number, index))
    enough = max(FEWEST_PAGES, SMALLEST_SHARE * len(pages))
    for places in seen.values():
        if len({page for page, _ in places}) >= enough:
            found.update(places)
    found.update(_repeated_pictures(pages, enough))
    for page in pages:
        texts = {(page.number, index) for index, block in enumerate(page.blocks) if block.lines}
        if texts - found - labelled:
            found |= texts & labelled
    return frozenset(found)


def _repeated_pictures(pages: Sequence[PageContent], enough: float) -> set[tuple[int, int]]:
    """Find the small pictures that stand at one place of many pages: logos, ornaments."""
    places: dict[tuple[int, ...], list[tuple[int, int, str]]] = defaultdict(list)
    for page in pages:
        for index, block in enumerate(page.blocks):
            small = block.box.area < LOGO * page.width * page.height
            if block.kind == "picture" and block.fingerprint and small:
                place = tuple(round(value / COARSE) for value in block.box.as_list())
                places[place].append((page.number, index, block.fingerprint))
    found: set[tuple[int, int]] = set()
    for standing in places.values():
        for pattern in {pattern for *_, pattern in standing}:
            alike = {(page, i) for page, i, other in standing if are_alike(pattern, other)}
            if len({page for page, _ in alike}) >= enough:
                found |= alike
    return found


def _may_be(block: Block, page: PageContent) -> bool:
    if block.kind in ("table", "picture", "list_item") or not 1 <= len(block.lines) <= 3:
        return False
    middle = block.box.center[1]
    return middle < EDGE * page.height or middle > (1 - EDGE) * page.height


def _key(block: Block) -> tuple[str, int]:
    words = _DIGITS.sub("#", " ".join(block.text.lower().split()))
    return words, round(block.box.center[1] / DRIFT)
