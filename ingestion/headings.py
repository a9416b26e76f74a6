"""How deep each heading is: from the outline, its number, or its size among the others."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from ingestion.layout import Block

DEEPEST = 6
# Sizes that differ by less than this many points are meant to be the same.
SAME_SIZE = 0.6
_NUMBERED = re.compile(
    r"^(?:section\s+|chapter\s+)?((?:\d{1,2}|[A-Z])(?:\.\d{1,2})*)\.?\s+\S", re.I
)


def heading_levels(blocks: Iterable[Block]) -> dict[int, int]:
    """Return the level, from 1, of every title and heading, by its place among the blocks.

    A heading that the outline names has that level. Others take the level that headings of
    their size have, or else rank by size; numbers such as 2.1.3 go by their depth where the
    document's numbered headings are in order of size.
    """
    headings = {i: b for i, b in enumerate(blocks) if b.kind in ("title", "heading")}
    sizes = _ranks({b.font_size for b in headings.values()})
    named: dict[int, Counter[int]] = defaultdict(Counter)
    for block in headings.values():
        if block.level is not None:
            named[sizes[block.font_size]][block.level] += 1
    return {
        index: min(DEEPEST, _level(block, sizes[block.font_size], named))
        for index, block in headings.items()
    }


def _level(block: Block, rank: int, named: dict[int, Counter[int]]) -> int:
    if block.level is not None:
        return block.level
    if block.kind == "title":
        return 1
    depth = _depth(block.text)
    if rank in named and not depth:
        return named[rank].most_common(1)[0][0]
    if depth > 1:
        return depth
    # Between sizes whose level is known, the next smaller one lies one deeper.
    larger = [other for other in named if other < rank]
    if larger:
        nearest = max(larger)
        return named[nearest].most_common(1)[0][0] + rank - nearest
    return rank


def _depth(text: str) -> int:
    """Return how deep a numbered heading is (2.1.3 is 3), or 0 for one without a number."""
    match = _NUMBERED.match(text.strip())
    return match.group(1).count(".") + 1 if match and match.group(1)[0].isdigit() else 0


def _ranks(sizes: set[float]) -> dict[float, int]:
    """Rank font sizes from the largest, 1; near ones share a rank."""
    ranks: dict[float, int] = {}
    rank, start = 0, float("inf")
    for size in sorted(sizes, reverse=True):
        if start - size > SAME_SIZE:
            rank, start = rank + 1, size
        ranks[size] = rank
    return ranks
