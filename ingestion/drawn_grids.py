"""Tables whose cells are drawn: the lines tell rows and columns better than the text in them.

The layout model takes every line of text for a row where a cell's text runs over several, and
parts a column in which names stand to the left and numbers to the right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from ingestion.layout import Box
from ingestion.raw_page import Pixels, Region, Word
from ingestion.table_phrases import is_value, slot

if TYPE_CHECKING:
    import numpy as np

# Neighbouring pixels that differ by more (0 to 255) are an edge of something drawn.
DIFFERS = 12
# An edge over this share of a table's width or height parts rows or columns. One over this share
# may part some of the cells; letters make none so long.
WHOLE, PART = 0.8, 0.2
# In points: an edge of the model's lies at most so far from the line that it means; what is
# drawn shows so near to an edge; and words of one line have their baselines so close together.
MEANT, NEAR, SAME_LINE = 8.0, 4.0, 2.0
# Fewer inner lines than this across or down may frame a part, and leave the rest to the white.
FEWEST_LINES = 2
# White between words that is wider than this share of their size parts what they say.
PARTS = 0.7


def with_drawn_cells(
    regions: Iterable[Region], words: Sequence[Word], pixels: Pixels
) -> tuple[Region, ...]:
    """Mend the rows and columns of the tables among the regions by the cells that are drawn."""
    return tuple(
        _mended(region, words, pixels) if region.kind == "table" else region for region in regions
    )


def _mended(region: Region, words: Sequence[Word], pixels: Pixels) -> Region:
    drawn = _Drawn(pixels, region.box)
    across, down = drawn.rows(), drawn.columns()
    if len(across) < FEWEST_LINES or not down:
        return region
    inside = [word for word in words if region.box.contains(word.box.center)]
    if len(down) >= FEWEST_LINES:
        region = replace(region, columns=_columns(region, down, _by_line(inside)))
    return replace(region, rows=_rows(region, across, inside, drawn))


def _columns(
    region: Region, lines: Sequence[float], said: Sequence[Sequence[Word]]
) -> tuple[float, ...]:
    """The drawn lines, and those of the model's edges that part what stands on one line."""
    meant = set(_meant(lines, region.columns).values())
    frame = [region.box.x0, *lines, region.box.x1]
    return tuple(
        sorted(
            {*lines}
            | {x for x in region.columns if x not in meant and _parts_a_line(x, frame, said)}
        )
    )


def _parts_a_line(x: float, frame: Sequence[float], said: Iterable[Sequence[Word]]) -> bool:
    at = slot(x, frame)
    for line in said:
        cell = [word for word in line if slot(word.box.center[0], frame) == at]
        left = [word for word in cell if word.box.center[0] < x]
        right = [word for word in cell if word.box.center[0] >= x]
        if left and right:
            gap = min(word.box.x0 for word in right) - max(word.box.x1 for word in left)
            if gap > PARTS * left[0].size:
                return True
    return False


def _rows(
    region: Region, lines: Sequence[float], inside: Sequence[Word], drawn: _Drawn
) -> tuple[float, ...]:
    """The model's edges but for those within drawn cells; these end where they are drawn."""
    columns = [region.box.x0, *region.columns, region.box.x1]
    meant = _meant(lines, region.rows)
    rows = set(region.rows)
    for top, bottom in pairwise([region.box.y0, *lines, region.box.y1]):
        extra = {y for y in region.rows if top < y < bottom} - set(meant.values())
        band = [word for word in inside if top < word.box.center[1] < bottom]
        if extra and _is_one_row(_by_line(band), columns) and not drawn.is_cut(extra):
            rows -= extra
            rows = rows - {meant.get(top), meant.get(bottom)} | {top, bottom} & set(lines)
    return tuple(sorted(rows))


def _meant(lines: Iterable[float], edges: Iterable[float]) -> dict[float, float]:
    """Return for each drawn line the model's edge that means it: the nearest, where one is near."""
    left = list(edges)
    meant = {}
    for line in lines:
        nearest = min(left, key=lambda edge: abs(edge - line), default=None)
        if nearest is not None and abs(nearest - line) < MEANT:
            left.remove(nearest)
            meant[line] = nearest
    return meant


def _by_line(words: Iterable[Word]) -> list[list[Word]]:
    """The words of each line, from the top."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.origin):
        if lines and word.origin - lines[-1][0].origin < SAME_LINE:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines


def _is_one_row(lines: Sequence[Sequence[Word]], columns: Sequence[float]) -> bool:
    """Tell whether lines between two drawn ones are cells that run on, not rows of their own.

    Rows fill the same columns, line by line, and bring values; what runs on begins at the
    top of its cell and ends where it ends.
    """
    cells = _cells(lines, columns)
    if any(is_value(text) for by_line in cells for text in list(by_line.values())[1:]):
        return False
    # A gap is a cell that another line of the band leaves empty: those are rows.
    if any(list(by_line) != list(range(len(by_line))) for by_line in cells):
        return False
    longer = [by_line for by_line in cells if len(by_line) > 1]
    if len(longer) < 2 or len({len(by_line) for by_line in longer}) > 1:
        return bool(longer)
    return all(any(_runs_on(text) for text in list(one.values())[1:]) for one in longer)


def _cells(lines: Sequence[Sequence[Word]], columns: Sequence[float]) -> list[dict[int, str]]:
    """For each column that holds any, the text of its lines by their number."""
    cells: dict[int, dict[int, list[Word]]] = {}
    for number, line in enumerate(lines):
        for word in sorted(line, key=lambda word: word.box.x0):
            column = slot(word.box.center[0], columns)
            cells.setdefault(column, {}).setdefault(number, []).append(word)
    return [
        {number: " ".join(word.text for word in said) for number, said in by_line.items()}
        for by_line in cells.values()
    ]


def _runs_on(text: str) -> bool:
    return text[:1].islower() or text[:1] in "(&/"


class _Drawn:
    """Where something is drawn across a table, or down it."""

    def __init__(self, pixels: Pixels, box: Box) -> None:
        import numpy as np

        image = np.frombuffer(pixels.rgb, dtype=np.uint8)
        image = image.reshape(pixels.height, pixels.width, 3)
        scale = pixels.scale
        x0, x1 = (round((x - pixels.left) * scale) for x in (box.x0, box.x1))
        y0, y1 = (round((y - pixels.top) * scale) for y in (box.y0, box.y1))
        self._grey = image[max(0, y0) : y1, max(0, x0) : x1, 1].astype(np.int16)
        self._box, self._scale = box, scale
        self._across: np.ndarray = np.abs(np.diff(self._grey, axis=0)) > DIFFERS

    def rows(self) -> list[float]:
        """Return the heights of lines across the whole table, but for its frame, in points."""
        return self._lines(self._across.mean(axis=1), self._box.y0, self._box.y1)

    def columns(self) -> list[float]:
        """Return where lines run down the whole table, but for its frame, in points."""
        import numpy as np

        down = np.abs(np.diff(self._grey, axis=1)) > DIFFERS
        return self._lines(down.mean(axis=0), self._box.x0, self._box.x1)

    def _lines(self, shares: np.ndarray, start: float, end: float) -> list[float]:
        places = [start + (int(at) + 1) / self._scale for at in (shares > WHOLE).nonzero()[0]]
        return list(_apart(place for place in places if start + NEAR < place < end - NEAR))

    def is_cut(self, heights: Iterable[float]) -> bool:
        """Tell whether anything is drawn across a part of the table near one of the heights."""
        longest = PART * self._across.shape[1]
        near = round(NEAR * self._scale)
        for height in heights:
            at = round((height - self._box.y0) * self._scale)
            rows = self._across[max(0, at - near) : at + near]
            if any(_longest_run(row) > longest for row in rows):
                return True
        return False


def _apart(heights: Iterable[float]) -> Iterator[float]:
    """Yield the first of heights that lie close together: a line has two edges."""
    last = float("-inf")
    for height in heights:
        if height - last > NEAR:
            yield height
        last = height


def _longest_run(marks: np.ndarray) -> int:
    import numpy as np

    ends = np.flatnonzero(np.diff(np.concatenate(([0], marks.astype(np.int8), [0]))))
    return int((ends[1::2] - ends[::2]).max(initial=0))
