"""Tables: words and grid lines into cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ingestion.layout import Box, Table, TableCell
from ingestion.lines import bounding_box, build_lines
from ingestion.raw_page import Word
from ingestion.table_header import with_header
from ingestion.table_phrases import (
    Phrase,
    columns_of,
    phrases,
    slot,
    with_missing_columns,
    with_missing_rows,
)
from ingestion.table_spans import parted


def build_table(
    words: Sequence[Word], box: Box, *, rows: Sequence[float], columns: Sequence[float]
) -> Table | None:
    """Put words into the grid that the inner `rows` and `columns` lines make of `box`.

    Returns None where that leaves fewer than two filled cells.
    """
    found = phrases(words, columns=columns)
    column_edges = with_missing_columns(found, [box.x0, *columns, box.x1])
    row_edges = with_missing_rows(found, [box.y0, *rows, box.y1], column_edges)
    slots: dict[tuple[int, int], list[Phrase]] = {}
    spans: dict[tuple[int, int], int] = {}
    for row, in_row in enumerate(parted(_by_row(found, row_edges), column_edges)):
        for phrase, first, last in _placed(in_row, column_edges):
            slots.setdefault((row, first), []).append(phrase)
            spans[row, first] = max(spans.get((row, first), 1), last - first + 1)
    if len(slots) < 2:
        return None
    cells = [
        _cell(row, column, slots[row, column], spans[row, column]) for row, column in sorted(slots)
    ]
    return with_header(_without_gaps(cells))


def _by_row(found: Iterable[Phrase], edges: Sequence[float]) -> list[list[Phrase]]:
    """Return the rows that hold phrases, from the top."""
    rows: dict[int, list[Phrase]] = {}
    for phrase in found:
        rows.setdefault(slot(phrase.box.center[1], edges), []).append(phrase)
    return [rows[row] for row in sorted(rows)]


def _placed(in_row: list[Phrase], edges: Sequence[float]) -> Iterable[tuple[Phrase, int, int]]:
    """Give each phrase of a row its first and last column.

    A phrase that reaches over several columns spans them if nothing else in the row stands
    there but more lines of it; otherwise it belongs where its middle is.
    """
    covered = [columns_of(phrase, edges) for phrase in in_row]
    for phrase, (first, last) in zip(in_row, covered, strict=True):
        taken = {
            column
            for start, end in covered
            if (start, end) != (first, last)
            for column in range(start, end + 1)
        }
        if first != last and taken & set(range(first, last + 1)):
            first = last = slot(phrase.box.center[0], edges)
        yield phrase, first, last


def _cell(row: int, column: int, parts: list[Phrase], span: int) -> TableCell:
    words = [word for phrase in parts for word in phrase.words]
    lines = build_lines(words)
    return TableCell(
        row=row,
        column=column,
        text=" ".join(line.text for line in lines),
        box=bounding_box(word.box for word in words),
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
