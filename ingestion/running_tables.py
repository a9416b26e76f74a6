"""Tables that run over pages: which tables are parts of one, under whose header."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

from ingestion.captions import label_of
from ingestion.layout import Block, Table
from ingestion.table_markdown import header_texts, row_texts
from ingestion.table_phrases import is_value

# The edges of a table that goes on over a page differ by at most this many points.
SAME_EDGE = 15.0
CONTINUED = ("continued", "cont.", "cont'd", "cont’d", "fortsetzung", "suite", "continuación")


def going_on(
    above: Block, below: Block, *, captions: Sequence[Block], said: Sequence[Block]
) -> Table | None:
    """Return the table `below` as a part of `above`, which ends the page before; None if it is not.

    It is between the same edges, and its own `captions` say nothing but that it is continued
    or what those of the table above (`said`) said.
    """
    if above.table is None or below.table is None:
        return None
    if max(abs(above.box.x0 - below.box.x0), abs(above.box.x1 - below.box.x1)) > SAME_EDGE:
        return None
    if not all(_says_it_again(caption, said) for caption in captions):
        return None
    return continued(above.table, below.table)


def new_words(captions: Sequence[Block], said: Sequence[Block]) -> tuple[Block, ...]:
    """Return the captions of a part that say more than that it is one."""
    known = {_plain(other.text) for other in said}
    return tuple(
        caption
        for caption in captions
        if _plain(caption.text) not in known and not _is_continued(caption)
    )


def _is_continued(caption: Block) -> bool:
    return any(word in _plain(caption.text) for word in CONTINUED)


def _says_it_again(caption: Block, said: Sequence[Block]) -> bool:
    label = label_of(caption.text)
    return _is_continued(caption) or any(
        _plain(caption.text) == _plain(other.text)
        or (label is not None and label == label_of(other.text))
        for other in said
    )


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def continued(above: Table, below: Table) -> Table | None:
    """Return the table `below` under the header of the one that it goes on from, or None.

    Its columns are those of the table above, or some of them (one may be empty on a page);
    the header may be said again, but no other.
    """
    moved = _in_columns_of(above, below)
    if moved is None or above.header_rows >= above.rows:
        return None
    head = above.header_rows
    if row_texts(moved)[:head] == row_texts(above)[:head] and moved.rows > head:
        return replace(moved, header_rows=head)
    if header_texts(moved) == header_texts(above):
        return moved
    if _has_other_names(above, moved):
        return None
    header = [replace(cell, box=None) for cell in above.cells if cell.row < head]
    cells = (replace(cell, row=cell.row + head) for cell in moved.cells)
    return replace(moved, rows=head + moved.rows, cells=(*header, *cells), header_rows=head)


def _in_columns_of(above: Table, below: Table) -> Table | None:
    """Count the cells below in the columns above that they stand under."""
    if below.columns == above.columns:
        return below
    if not 2 <= below.columns < above.columns:
        return None
    places = [_under(above, _extent(below, column)) for column in range(below.columns)]
    if any(a is None or b is None or a >= b for a, b in itertools.pairwise(places)):
        return None
    if any(cell.column_span > 1 for cell in below.cells):
        return None
    cells = tuple(replace(cell, column=places[cell.column] or 0) for cell in below.cells)
    return replace(below, columns=above.columns, cells=cells)


def _under(above: Table, extent: tuple[float, float] | None) -> int | None:
    """Return the column that shares most width with an extent, or None."""
    if extent is None:
        return None
    shared: dict[int, float] = {}
    for column in range(above.columns):
        if (other := _extent(above, column)) is not None:
            shared[column] = min(extent[1], other[1]) - max(extent[0], other[0])
    best = max(shared, key=shared.__getitem__, default=None)
    return best if best is not None and shared[best] > 0 else None


def _extent(table: Table, column: int) -> tuple[float, float] | None:
    boxes = [
        cell.box
        for cell in table.cells
        if cell.column == column and cell.column_span == 1 and cell.box is not None
    ]
    return (min(box.x0 for box in boxes), max(box.x1 for box in boxes)) if boxes else None


def _has_other_names(above: Table, below: Table) -> bool:
    """Tell whether the first row below names, in words, columns that hold values above."""
    first = [cell for cell in below.cells if cell.row == 0 and cell.column > 0]
    if len(first) < 2 or any(is_value(cell.text) for cell in first):
        return False
    return all(_holds_values(above, cell.column) for cell in first)


def _holds_values(table: Table, column: int) -> bool:
    texts = [c.text for c in table.cells if c.column == column and c.row >= table.header_rows]
    return 2 * sum(map(is_value, texts)) > len(texts)


def numbered(tables: Sequence[Table], *, key: str) -> list[Table]:
    """Return the parts of one table with their numbers and the key that they share."""
    if len(tables) < 2:
        return list(tables)
    parts = len(tables)
    return [replace(table, key=key, part=at, parts=parts) for at, table in enumerate(tables, 1)]
