"""Names over several columns that a grid leaves in one row with the columns' own names."""

from __future__ import annotations

from collections.abc import Sequence

from ingestion.lines import bounding_box
from ingestion.table_header import OFF_CENTRE
from ingestion.table_phrases import Phrase, columns_of, is_value, slot


def parted(rows: Sequence[list[Phrase]], columns: Sequence[float]) -> list[list[Phrase]]:
    """Give names over several columns rows of their own, above the row that they stand in.

    `columns` are the edges of the columns. Only rows of names are parted: the first, and those
    that a row of values follows.
    """
    found: list[list[Phrase]] = []
    for index, row in enumerate(rows):
        heads = not index or (index + 1 < len(rows) and _has_values(rows[index + 1], columns))
        found += _levels(row, columns) if heads and not _has_values(row, columns) else [row]
    return found


def _has_values(row: Sequence[Phrase], columns: Sequence[float]) -> bool:
    return any(is_value(phrase.text) and slot(phrase.box.center[0], columns) for phrase in row)


def _levels(row: list[Phrase], columns: Sequence[float]) -> list[list[Phrase]]:
    """Part a row into the names that stand over others, the widest first, and all else."""
    wide = [phrase for phrase in row if _reach(phrase, columns) > 1]
    narrow = [phrase for phrase in row if _reach(phrase, columns) == 1]
    over = [phrase for phrase in wide if _stands_over(phrase, narrow, columns)]
    levels: list[list[Phrase]] = []
    for phrase in sorted(over, key=lambda phrase: -phrase.box.y0):
        level = next((level for level in levels if not _stack(phrase, level, columns)), None)
        if level is None:
            levels.append([phrase])
        else:
            level.append(phrase)
    return [*reversed(levels), [phrase for phrase in row if phrase not in over]]


def _reach(phrase: Phrase, columns: Sequence[float]) -> int:
    """Count the columns that a phrase reaches over; what begins in the first names rows."""
    first, last = columns_of(phrase, columns)
    return last - first + 1 if first else 1


def _stands_over(phrase: Phrase, narrow: Sequence[Phrase], columns: Sequence[float]) -> bool:
    """Tell whether a name stands over the middle of names in two columns or more."""
    first, last = columns_of(phrase, columns)
    under = [leaf for leaf in narrow if first <= slot(leaf.box.center[0], columns) <= last]
    if len({slot(leaf.box.center[0], columns) for leaf in under}) < 2:
        return False
    if any(leaf.box.y0 < phrase.box.center[1] for leaf in under):
        return False
    box = bounding_box(leaf.box for leaf in under)
    return abs(box.center[0] - phrase.box.center[0]) <= OFF_CENTRE * box.width


def _stack(phrase: Phrase, level: Sequence[Phrase], columns: Sequence[float]) -> bool:
    """Tell whether a name stands over one of the level, and not just on a line before it."""
    first, last = columns_of(phrase, columns)
    for other in level:
        start, end = columns_of(other, columns)
        if first <= end and start <= last and (first, last) != (start, end):
            return True
    return False
