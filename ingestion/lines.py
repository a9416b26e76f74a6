"""Words into visual lines."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from statistics import median

from ingestion.layout import Box, Line
from ingestion.raw_page import Word

# Two runs share a line where they overlap in height by this share of the lower one.
SAME_LINE = 0.5
# Runs that are closer than this share of the font size belong to one word.
JOINED = 0.12


def bounding_box(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around all of them (at least one)."""
    first, *rest = boxes
    for box in rest:
        first = first | box
    return first


def build_lines(words: Iterable[Word]) -> tuple[Line, ...]:
    """Group the words of one region into visual lines, from top to bottom.

    Runs that stand side by side become one line; text that runs up or down keeps the order
    that the file has.
    """
    runs = [list(group) for _, group in itertools.groupby(words, key=lambda word: word.run)]
    level = [run for run in runs if run[0].upright]
    turned = [run for run in runs if not run[0].upright]
    rows = _rows(level)
    lines = [_line(row) for row in rows] + [_line([run]) for run in turned]
    return tuple(line for line in lines if line.text)


def _rows(runs: list[list[Word]]) -> list[list[list[Word]]]:
    """Collect the runs that stand on one line, lines from top to bottom."""
    rows: list[tuple[Box, list[list[Word]]]] = []
    for run in sorted(runs, key=lambda run: (run[0].origin, run[0].box.x0)):
        box = bounding_box(word.box for word in run)
        for index in range(len(rows) - 1, max(-1, len(rows) - 6), -1):
            row_box, row = rows[index]
            if _beside(row_box, box):
                row.append(run)
                rows[index] = (row_box | box, row)
                break
        else:
            rows.append((box, [run]))
    return [row for _, row in sorted(rows, key=lambda item: item[0].y0 + item[0].y1)]


def _beside(row: Box, run: Box) -> bool:
    shared = min(row.y1, run.y1) - max(row.y0, run.y0)
    lower = min(row.height, run.height)
    apart = max(run.x0 - row.x1, row.x0 - run.x1)
    return shared > SAME_LINE * lower and apart > -0.5 * lower


def _line(runs: list[list[Word]]) -> Line:
    box = bounding_box(word.box for run in runs for word in run)
    leftwards = _reads_leftwards(runs)
    ordered = sorted(runs, key=lambda run: min(w.box.x0 for w in run), reverse=leftwards)
    text = " ".join(word.text for word in ordered[0])
    for before, after in itertools.pairwise(ordered):
        text += _gap(before, after) + " ".join(word.text for word in after)
    return Line(text=text, box=box)


def _gap(before: Sequence[Word], after: Sequence[Word]) -> str:
    left, right = bounding_box(w.box for w in before), bounding_box(w.box for w in after)
    distance = max(right.x0 - left.x1, left.x0 - right.x1)
    return "" if distance < JOINED * before[-1].size else " "


def _reads_leftwards(runs: list[list[Word]]) -> bool:
    letters = [c for run in runs for word in run for c in word.text if c.isalpha()]
    leftwards = sum(unicodedata.bidirectional(c) in ("R", "AL") for c in letters)
    return leftwards * 2 > len(letters)


def prevailing_size(words: Sequence[Word]) -> float:
    """Return the median font size of the words, in points, weighted by their length."""
    sizes = [word.size for word in words for _ in word.text]
    return round(float(median(sizes)), 1) if sizes else 0.0
