"""Tables: words and grid lines into cells, cells into Markdown."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ingestion.layout import Box, Table, TableCell
from ingestion.lines import bounding_box, build_lines
from ingestion.raw_page import Word

# Words of one line that are closer than this share of the font size are one phrase, which
# no column line may cut.
PHRASE_GAP = 0.7
# A phrase covers a column where it reaches this many points into it.
REACH = 3.0
MOST_HEADER_ROWS = 4
_NUMBER = re.compile(r"^[\s$€£¥(+\-–—−]*\d[\d\s.,'’]*[)%]*\s*(%|bps|x|pp)?[)*†‡]*$")
_DASH = re.compile(r"^[\s$€£¥]*[-–—−.]+\s*%?$")
_YEAR = re.compile(r"^(fy\s*)?(19|20)\d\d[ea]?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Phrase:
    words: tuple[Word, ...]
    box: Box


def build_table(
    words: Sequence[Word], box: Box, *, rows: Sequence[float], columns: Sequence[float]
) -> Table | None:
    """Put words into the grid that the inner `rows` and `columns` lines make of `box`.

    Returns None where that leaves fewer than two filled cells.
    """
    row_edges = [box.y0, *rows, box.y1]
    column_edges = [box.x0, *columns, box.x1]
    slots: dict[tuple[int, int], list[_Phrase]] = {}
    spans: dict[tuple[int, int], int] = {}
    for row, phrases in _by_row(_phrases(words), row_edges).items():
        for phrase, first, last in _placed(phrases, column_edges):
            slots.setdefault((row, first), []).append(phrase)
            spans[row, first] = max(spans.get((row, first), 1), last - first + 1)
    if len(slots) < 2:
        return None
    cells = [
        _cell(row, column, slots[row, column], spans[row, column]) for row, column in sorted(slots)
    ]
    return _with_header(_without_gaps(cells))


def _phrases(words: Sequence[Word]) -> list[_Phrase]:
    """Join words of one run that stand close together."""
    phrases: list[_Phrase] = []
    pending: list[Word] = []
    for word in words:
        if pending and not _close(pending[-1], word):
            phrases.append(_Phrase(tuple(pending), bounding_box(w.box for w in pending)))
            pending = []
        pending.append(word)
    if pending:
        phrases.append(_Phrase(tuple(pending), bounding_box(w.box for w in pending)))
    return phrases


def _close(before: Word, after: Word) -> bool:
    if before.run != after.run or before.upright != after.upright:
        return False
    gap = after.box.x0 - before.box.x1
    return -before.size < gap < PHRASE_GAP * before.size


def _by_row(phrases: Iterable[_Phrase], edges: Sequence[float]) -> dict[int, list[_Phrase]]:
    rows: dict[int, list[_Phrase]] = {}
    for phrase in phrases:
        rows.setdefault(_slot(phrase.box.center[1], edges), []).append(phrase)
    return rows


def _slot(value: float, edges: Sequence[float]) -> int:
    return min(max(bisect_right(edges, value) - 1, 0), len(edges) - 2)


def _placed(phrases: list[_Phrase], edges: Sequence[float]) -> Iterable[tuple[_Phrase, int, int]]:
    """Give each phrase of a row its first and last column.

    A phrase that reaches over several columns spans them if no other phrase of the row
    stands there; otherwise it belongs where its middle is.
    """
    covered = [_columns_of(phrase, edges) for phrase in phrases]
    for index, phrase in enumerate(phrases):
        first, last = covered[index]
        taken = {
            column
            for other, (start, end) in enumerate(covered)
            if other != index
            for column in range(start, end + 1)
        }
        if first != last and taken & set(range(first, last + 1)):
            first = last = _slot(phrase.box.center[0], edges)
        yield phrase, first, last


def _columns_of(phrase: _Phrase, edges: Sequence[float]) -> tuple[int, int]:
    middle = _slot(phrase.box.center[0], edges)
    first = min(_slot(phrase.box.x0 + REACH, edges), middle)
    last = max(_slot(phrase.box.x1 - REACH, edges), middle)
    return first, last


def _cell(row: int, column: int, phrases: list[_Phrase], span: int) -> TableCell:
    words = [word for phrase in phrases for word in phrase.words]
    lines = build_lines(words)
    return TableCell(
        row=row,
        column=column,
        text=" ".join(line.text for line in lines),
        box=bounding_box(phrase.box for phrase in phrases),
        column_span=span,
    )


def _without_gaps(cells: list[TableCell]) -> Table:
    """Drop the rows and columns in which no cell begins."""
    rows = {row: at for at, row in enumerate(sorted({cell.row for cell in cells}))}
    columns = {column: at for at, column in enumerate(sorted({cell.column for cell in cells}))}
    kept = tuple(
        replace(
            cell,
            row=rows[cell.row],
            column=columns[cell.column],
            column_span=sum(
                column in columns for column in range(cell.column, cell.column + cell.column_span)
            ),
        )
        for cell in cells
    )
    return Table(rows=len(rows), columns=len(columns), cells=kept)


def _with_header(table: Table) -> Table:
    """Count the leading rows that name columns: those before the first row of values."""
    rows = [[c for c in table.cells if c.row == row] for row in range(table.rows)]
    header = 0
    under_spans = False
    for row in rows[:MOST_HEADER_ROWS]:
        # Below a name over several columns stand the columns' own, even if they are numbers.
        names_leaves = under_spans and row[0].column > 0
        if not names_leaves and any(_is_value(cell.text) for cell in row if cell.column > 0):
            break
        header += 1
        under_spans = any(cell.column_span > 1 for cell in row)
        # A full row of words ends what can be told from the values.
        if not under_spans and len(row) > 1:
            break
    return replace(table, header_rows=min(max(header, 1), max(table.rows - 1, 1)))


def continued(above: Table, below: Table) -> Table | None:
    """Return the table `below` under the header of the one that it goes on from, or None.

    Tables go on over a page if they have as many columns; the header may be said again.
    """
    if above.columns != below.columns or above.header_rows >= above.rows:
        return None
    if header_texts(above) == header_texts(below):
        return below
    header = [replace(cell, box=None) for cell in above.cells if cell.row < above.header_rows]
    moved = [replace(cell, row=cell.row + above.header_rows) for cell in below.cells]
    return Table(
        rows=above.header_rows + below.rows,
        columns=below.columns,
        cells=(*header, *moved),
        header_rows=above.header_rows,
    )


def _is_value(text: str) -> bool:
    if _YEAR.match(text.strip()):
        return False
    return bool(_NUMBER.match(text) or _DASH.match(text))


# --- Markdown --------------------------------------------------------------------------------


def row_texts(table: Table) -> list[list[str]]:
    """Return the cells' texts, row by row; a cell that spans stands in its first slot."""
    grid = [[""] * table.columns for _ in range(table.rows)]
    for cell in table.cells:
        grid[cell.row][cell.column] = cell.text
    return grid


def header_texts(table: Table) -> list[str]:
    """Return one name per column: header rows joined, spanning names over each column."""
    names: list[list[str]] = [[] for _ in range(table.columns)]
    for cell in table.cells:
        if cell.row >= table.header_rows or not cell.text:
            continue
        for column in range(cell.column, min(cell.column + cell.column_span, table.columns)):
            if cell.text not in names[column]:
                names[column].append(cell.text)
    return [" ".join(parts) for parts in names]


def markdown_row(texts: Iterable[str]) -> str:
    cells = (text.replace("|", "\\|").replace("\n", " ").strip() for text in texts)
    return "| " + " | ".join(cells) + " |"


def markdown_head(table: Table) -> str:
    """Return the header line and the ruler below it."""
    return f"{markdown_row(header_texts(table))}\n{markdown_row(['---'] * table.columns)}"


def markdown_body(table: Table) -> list[str]:
    """Return one line per data row."""
    return [markdown_row(texts) for texts in row_texts(table)[table.header_rows :]]


def to_markdown(table: Table) -> str:
    """Return the table in GitHub's Markdown."""
    return "\n".join(itertools.chain([markdown_head(table)], markdown_body(table)))
