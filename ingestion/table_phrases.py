"""Words of a table into phrases, and the grid lines that the phrases show to be missing."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ingestion.layout import Box
from ingestion.lines import bounding_box
from ingestion.raw_page import Word

# Words of one line that are closer than this share of the font size are one phrase, which
# no column line may cut; where a column line runs between them, a smaller gap parts them.
PHRASE_GAP, CUT_GAP = 0.7, 0.4
# Column lines are this exact, in points.
SLACK = 2.0
# A phrase covers a column where it reaches this many points into it.
REACH = 3.0
# A column line is missing where at least so many rows, and this share of those with values,
# hold two values side by side.
FEWEST_ROWS, MOST_OF_THEM = 3, 0.5
_NUMBER = re.compile(r"^[\s$€£¥(+\-–—−]*\d[\d\s.,'’]*[)%]*\s*(%|bps|x|pp)?[)*†‡]*$")
_DASH = re.compile(r"^[\s$€£¥]*[-–—−.]+\s*%?$")
# Signs that belong to the value after them, or before them, however far it stands.
_BEFORE, _AFTER = re.compile(r"^[$€£¥]$"), re.compile(r"^[)%]{1,2}$")
_YEARS = re.compile(r"(?:(?:^|\s+)(?:fy\s*)?(?:19|20)\d\d[ea]?)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of one line that belong together; `box` is where they stand but for their signs."""

    words: tuple[Word, ...]
    box: Box

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def is_value(text: str) -> bool:
    """Tell what stands in a table's body, numbers and dashes, from names; years are names."""
    if _YEARS.fullmatch(text.strip()):
        return False
    return bool(_NUMBER.match(text) or _DASH.match(text))


def phrases(words: Sequence[Word], *, columns: Sequence[float]) -> list[Phrase]:
    """Join words of one run that stand close together, with no line of `columns` between.

    Currency and percent signs go with their values, wherever they are set.
    """
    found: list[Phrase] = []
    pending: list[Word] = []
    for word in words:
        if pending and not _close(pending[-1], word, columns):
            found.append(_phrase(pending))
            pending = []
        pending.append(word)
    if pending:
        found.append(_phrase(pending))
    return _with_signs(found)


def _with_signs(found: Sequence[Phrase]) -> list[Phrase]:
    """Join each sign that stands alone with the value beside it on its line."""
    values = [phrase for phrase in found if is_value(phrase.text) and phrase.words[0].upright]
    before: dict[int, Phrase] = {}
    after: dict[int, Phrase] = {}
    for phrase in found:
        if _BEFORE.match(phrase.text):
            _note(phrase, before, values, sign=1)
        elif _AFTER.match(phrase.text):
            _note(phrase, after, values, sign=-1)
    taken = {id(phrase) for phrase in (*before.values(), *after.values())}
    return [
        Phrase(
            (
                *(before[id(phrase)].words if id(phrase) in before else ()),
                *phrase.words,
                *(after[id(phrase)].words if id(phrase) in after else ()),
            ),
            phrase.box,
        )
        for phrase in found
        if id(phrase) not in taken
    ]


def _note(
    phrase: Phrase, signs: dict[int, Phrase], values: Sequence[Phrase], *, sign: Literal[1, -1]
) -> None:
    """Give the sign to the nearest value to its right (1) or left (-1), if that has none."""
    found = [
        (distance, index)
        for index, value in enumerate(values)
        if abs(value.words[0].origin - phrase.words[0].origin) < SLACK
        and (distance := (value.box.center[0] - phrase.box.center[0]) * sign) > 0
    ]
    if not found:
        return
    nearest = values[min(found)[1]]
    has_one = nearest.text[:1] in "$€£¥" if sign == 1 else nearest.text[-1:] in "%)"
    if not has_one and id(nearest) not in signs:
        signs[id(nearest)] = phrase


def _phrase(words: list[Word]) -> Phrase:
    return Phrase(tuple(words), bounding_box(word.box for word in words))


def _close(before: Word, after: Word, columns: Sequence[float]) -> bool:
    if before.run != after.run or before.upright != after.upright:
        return False
    if _BEFORE.match(after.text) and (is_value(before.text) or _AFTER.match(before.text)):
        return False
    if _AFTER.match(before.text) and is_value(after.text):
        return False
    gap = after.box.x0 - before.box.x1
    if not -before.size < gap < PHRASE_GAP * before.size:
        return False
    cut = any(before.box.x1 - SLACK < line < after.box.x0 + SLACK for line in columns)
    return not (cut and gap > CUT_GAP * before.size)


def slot(value: float, edges: Sequence[float]) -> int:
    """Return which of the bands between the edges holds the value; the first or last outside."""
    return min(max(bisect_right(edges, value) - 1, 0), len(edges) - 2)


def columns_of(phrase: Phrase, edges: Sequence[float]) -> tuple[int, int]:
    """Return the first and the last column that a phrase reaches over."""
    middle = slot(phrase.box.center[0], edges)
    first = min(slot(phrase.box.x0 + REACH, edges), middle)
    last = max(slot(phrase.box.x1 - REACH, edges), middle)
    return first, last


def with_missing_columns(found: Sequence[Phrase], edges: Sequence[float]) -> list[float]:
    """Add the column edges that part values which stand side by side in most rows."""
    values = _side_by_side([phrase for phrase in found if is_value(phrase.text)], edges)
    years = _side_by_side([phrase for phrase in found if _YEARS.fullmatch(phrase.text)], edges)
    added = []
    for column in range(len(edges) - 1):
        added += _gutters(values[column], [row for row in years[column] if len(row) == 2])
    return sorted({*edges, *added})


def _side_by_side(found: Sequence[Phrase], edges: Sequence[float]) -> dict[int, list[list[Phrase]]]:
    """Return the lines of each column, each from the left."""
    lines: dict[int, dict[int, list[Phrase]]] = defaultdict(lambda: defaultdict(list))
    for phrase in found:
        column = slot(phrase.box.center[0], edges)
        lines[column][round(phrase.words[0].origin)].append(phrase)
    by_column = {
        at: [sorted(row, key=_left) for row in rows.values()] for at, rows in lines.items()
    }
    return defaultdict(list, by_column)


def _left(phrase: Phrase) -> float:
    return phrase.box.x0


def _gutters(rows: Sequence[Sequence[Phrase]], years: Sequence[Sequence[Phrase]]) -> list[float]:
    """Return where pairs of values part; one is enough below two years that part there, too."""
    pairs = [row for row in rows if len(row) == 2 and row[1].box.x0 > row[0].box.x1]
    if len(pairs) < max(1 if years else FEWEST_ROWS, MOST_OF_THEM * len(rows)):
        return []
    pairs = [*pairs, *years]
    left, right = max(row[0].box.x1 for row in pairs), min(row[1].box.x0 for row in pairs)
    return [(left + right) / 2] if left < right else []


def with_missing_rows(
    found: Sequence[Phrase], edges: Sequence[float], columns: Sequence[float]
) -> list[float]:
    """Add the row edges between lines that each hold values in the same columns."""
    bands: dict[int, dict[float, list[Phrase]]] = defaultdict(lambda: defaultdict(list))
    for phrase in found:
        if is_value(phrase.text):
            row = slot(phrase.box.center[1], edges)
            bands[row][round(phrase.words[0].origin)].append(phrase)
    added = []
    for band in bands.values():
        for above, below in pairwise(_full_lines(band, columns)):
            top, bottom = max(p.box.y1 for p in above), min(p.box.y0 for p in below)
            if top < bottom + SLACK:
                added.append((top + bottom) / 2)
    return sorted({*edges, *added})


def _full_lines(
    band: dict[float, list[Phrase]], columns: Sequence[float]
) -> Iterable[list[Phrase]]:
    """Yield the lines of a row, from the top, that share two columns with its fullest one."""
    filled = {
        origin: {slot(phrase.box.center[0], columns) for phrase in line}
        for origin, line in band.items()
    }
    fullest = max(filled.values(), key=len)
    return [band[origin] for origin in sorted(band) if len(filled[origin] & fullest) > 1]
