"""What stands on page after page and is no part of the text: running heads, page numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from ingestion.layout import Block, PageContent

# Only blocks that lie this near to the upper or lower edge, as a share of the page.
EDGE = 0.12
# They are furniture from this many pages on, if that is at least this share of all pages.
FEWEST_PAGES = 3
SMALLEST_SHARE = 0.2
# At most this far, in points, from one page to the next.
DRIFT = 6.0
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"^\W*(page|p\.|seite)?\W*(\d{1,4}|[ivxlc]{1,6})(\W+(of|/|von)?\W*\d+)?\W*$", re.I
)


def furniture(pages: Sequence[PageContent]) -> frozenset[tuple[int, int]]:
    """Return (page number, index of the block) of every block that is furniture.

    That is what the layout model calls a page header or footer, and short text near the
    edges that comes back at the same height on many pages, page numbers aside.
    """
    found: set[tuple[int, int]] = set()
    seen: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for page in pages:
        for index, block in enumerate(page.blocks):
            if block.kind in ("page_header", "page_footer"):
                found.add((page.number, index))
            elif _may_be(block, page):
                if _PAGE_NUMBER.match(block.text):
                    found.add((page.number, index))
                seen[_key(block)].append((page.number, index))
    enough = max(FEWEST_PAGES, SMALLEST_SHARE * len(pages))
    for places in seen.values():
        if len({page for page, _ in places}) >= enough:
            found.update(places)
    return frozenset(found)


def _may_be(block: Block, page: PageContent) -> bool:
    if block.kind in ("table", "picture", "list_item") or not 1 <= len(block.lines) <= 3:
        return False
    middle = block.box.center[1]
    return middle < EDGE * page.height or middle > (1 - EDGE) * page.height


def _key(block: Block) -> tuple[str, int]:
    words = _DIGITS.sub("#", " ".join(block.text.lower().split()))
    return words, round(block.box.center[1] / DRIFT)
