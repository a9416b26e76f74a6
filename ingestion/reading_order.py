"""The order in which a person reads the boxes of a page.

A recursive cut: where a white band runs down the whole area, its columns are read one after
the other; otherwise the area is cut into horizontal bands, and neighbouring bands that share
the same white columns are read together, so that columns are not read across.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ingestion.layout import Box

# White space narrower than this, in points, separates no columns; boxes that overlap by
# less than the slack do not count as overlapping, since the boxes found are not exact.
COLUMN_GAP = 6.0
SLACK = 2.0

T = TypeVar("T")


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """Return the indices of the boxes in reading order."""
    return _order(list(range(len(boxes))), boxes)


def _order(indices: list[int], boxes: Sequence[Box]) -> list[int]:
    if len(indices) < 2:
        return indices
    columns = _split(indices, [(boxes[i].x0, boxes[i].x1) for i in indices], COLUMN_GAP)
    if len(columns) > 1:
        return [i for column in columns for i in _order(column, boxes)]
    bands = _split(indices, [(boxes[i].y0, boxes[i].y1) for i in indices], -SLACK)
    if len(bands) == 1:
        return sorted(indices, key=lambda i: (boxes[i].y0, boxes[i].x0))
    return [i for group in _columned(bands, boxes) for i in _order(group, boxes)]


def _split(indices: list[int], extents: list[tuple[float, float]], gap: float) -> list[list[int]]:
    """Cut where no extent reaches across: groups of indices, in the order of their start."""
    groups: list[list[int]] = []
    reached = float("-inf")
    for (start, end), index in sorted(zip(extents, indices, strict=True)):
        if groups and start < reached + gap:
            groups[-1].append(index)
        else:
            groups.append([index])
        reached = max(reached, end)
    return groups


def _columned(bands: list[list[int]], boxes: Sequence[Box]) -> list[list[int]]:
    """Join neighbouring bands as long as white columns run through all of them."""
    groups: list[list[int]] = []
    for band in bands:
        if groups and _same_columns(groups[-1], band, boxes):
            groups[-1] = groups[-1] + band
        else:
            groups.append(band)
    return groups if len(groups) > 1 else bands


def _same_columns(above: list[int], below: list[int], boxes: Sequence[Box]) -> bool:
    def columns(indices: list[int]) -> int:
        return len(_split(indices, [(boxes[i].x0, boxes[i].x1) for i in indices], COLUMN_GAP))

    separate = columns(above), columns(below)
    # One-column bands are read in turn anyway; joining them must not hide a column.
    return max(separate) > 1 and columns(above + below) >= max(2, min(separate))
