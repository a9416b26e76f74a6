"""A table as one object: its pieces, cut by pages and by what a model reads, joined again."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ingestion.layout import Box, Table, TableCell
from ingestion.table_markdown import header_texts, row_texts

# A spreadsheet takes a cell that begins so for a formula ...
FORMULA = ("=", "@", "\t", "\r", "+", "-")
# ... but one that is all a number, or somebody's telephone number, can do no harm.
SIGNED_NUMBER = re.compile(r"[+-][\d\s.,()%/€$£¥]*(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk of a table: `table` holds all cells of its page, header included."""

    chunk: int
    page: int
    box: Box
    table: Table
    caption: str = ""
    heading_path: tuple[str, ...] = ()
    has_image: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Where rows [first_row, first_row + rows) of a table stand, and which chunks hold them."""

    page: int
    box: Box
    first_row: int
    rows: int
    chunks: tuple[int, ...]
    has_image: bool


@dataclass(frozen=True, slots=True)
class WholeTable:
    """A table with its header once; `number` counts the document's tables from 1.

    The boxes of the cells of `table` are those on the page of the part that the row is in.
    """

    number: int
    caption: str
    heading_path: tuple[str, ...]
    table: Table
    parts: tuple[Part, ...]

    @property
    def pages(self) -> tuple[int, ...]:
        return tuple(part.page for part in self.parts)

    @property
    def chunks(self) -> tuple[int, ...]:
        return tuple(chunk for part in self.parts for chunk in part.chunks)

    def page_of(self, row: int) -> int:
        """Return the page on which a row stands; the header's is the first."""
        return next(part.page for part in reversed(self.parts) if row >= part.first_row)


def whole_tables(pieces: Iterable[Piece]) -> list[WholeTable]:
    """Join pieces, given in reading order, to the tables that they are of."""
    groups = itertools.groupby(pieces, key=_identity)
    return [_whole(number, list(group)) for number, (_, group) in enumerate(groups, start=1)]


def _identity(piece: Piece) -> tuple[object, ...]:
    return (piece.table.key,) if piece.table.key else (piece.page, piece.box)


def _whole(number: int, pieces: Sequence[Piece]) -> WholeTable:
    standing = [list(group) for _, group in itertools.groupby(pieces, key=lambda p: p.table.part)]
    first = pieces[0]
    return WholeTable(
        number=number,
        caption=first.caption,
        heading_path=first.heading_path,
        table=joined([group[0].table for group in standing]),
        parts=tuple(_parts(standing)),
    )


def _parts(standing: Sequence[Sequence[Piece]]) -> Iterator[Part]:
    row = 0
    for at, pieces in enumerate(standing):
        first = pieces[0]
        rows = first.table.rows - (first.table.header_rows if at else 0)
        chunks = tuple(piece.chunk for piece in pieces)
        yield Part(first.page, first.box, row, rows, chunks, first.has_image)
        row += rows


def joined(tables: Sequence[Table]) -> Table:
    """Return the parts of a table as one: the first one's header, and everybody's rows."""
    first, *others = tables
    cells, rows = list(first.cells), first.rows
    for other in others:
        cells += _moved(other, rows - other.header_rows)
        rows += other.rows - other.header_rows
    columns = max(table.columns for table in tables)
    whole = replace(first, rows=rows, columns=columns, cells=tuple(cells))
    return replace(whole, key="", part=1, parts=1)


def _moved(table: Table, by: int) -> Iterator[TableCell]:
    for cell in table.cells:
        if cell.row >= table.header_rows:
            yield replace(cell, row=cell.row + by)


def as_csv(table: Table) -> str:
    """Return the table as comma-separated values, one line of column names first.

    Source: RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it.
    """
    target = io.StringIO()
    writer = csv.writer(target)
    for row in (header_texts(table), *row_texts(table)[table.header_rows :]):
        writer.writerow([_harmless(text) for text in row])
    return target.getvalue()


def _harmless(text: str) -> str:
    harmful = text.startswith(FORMULA) and not SIGNED_NUMBER.fullmatch(text)
    return f"'{text}" if harmful else text
