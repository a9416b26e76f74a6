"""What a parser makes of a page, in the form that all parsers here are compared in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingestion.furniture import furniture
from ingestion.layout import Block, PageContent, Table
from ingestion.parsing import Limits, parse_pages
from ingestion.table_markdown import row_texts, to_markdown
from ingestion.text_flow import Flow, vocabulary

LIMITS = Limits(memory_mb=2048, page_seconds=120)
Grid = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table's box, in points from the top left of the page, and its cells' texts.

    In `spread`, cells that span are repeated in all that they cover.
    """

    box: tuple[float, float, float, float]
    grid: Grid
    spread: Grid = ()


@dataclass(frozen=True, slots=True)
class ParsedPage:
    text: str
    tables: tuple[FoundTable, ...]
    height: float


def ours(path: Path, numbers: Sequence[int], *, processes: int = 2) -> dict[int, ParsedPage]:
    """Parse pages (from 1) as the application does; pages that fail are empty."""
    pages: dict[int, ParsedPage] = {}
    for outcome in parse_pages(path, numbers, limits=LIMITS, processes=processes):
        content = outcome.content
        pages[outcome.number] = _ours(content) if content else ParsedPage("", (), 0.0)
    return pages


def _ours(content: PageContent) -> ParsedPage:
    tables = tuple(
        FoundTable((b.box.x0, b.box.y0, b.box.x1, b.box.y1), _grid(b.table), _spread(b.table))
        for b in content.blocks
        if b.table
    )
    left_out = furniture([content])
    words = vocabulary(line for block in content.blocks for line in block.lines)
    said = (
        _text(block, words)
        for index, block in enumerate(content.blocks)
        if (content.number, index) not in left_out
    )
    return ParsedPage("\n\n".join(said), tables, content.height)


def _text(block: Block, words: frozenset[str]) -> str:
    if block.table:
        return to_markdown(block.table)
    # Words that were broken between lines are mended as in the chunks.
    flow = Flow(words)
    flow.add(block, 1)
    return flow.passage().text


def _spread(table: Table) -> Grid:
    grid = row_texts(table)
    for cell in table.cells:
        for row in range(cell.row, min(cell.row + cell.row_span, table.rows)):
            for column in range(cell.column, min(cell.column + cell.column_span, table.columns)):
                grid[row][column] = grid[row][column] or cell.text
    return tuple(tuple(row) for row in grid)


def _grid(table: Table) -> Grid:
    return tuple(tuple(row) for row in row_texts(table))


def peer(path: Path, numbers: Sequence[int]) -> dict[int, ParsedPage]:
    """Parse pages (from 1) with pymupdf4llm, page headers and footers left out as ours are."""
    import pymupdf
    import pymupdf4llm

    with pymupdf.open(path) as document:
        wanted = [number - 1 for number in numbers]
        # Asked page by page: one that it fails on must not cost it the others.
        return {index + 1: _peer(pymupdf4llm, document, index) for index in wanted}


def _peer(library: object, document: object, index: int) -> ParsedPage:
    options = {"pages": [index], "header": False, "footer": False}
    try:
        text = library.to_markdown(document, **options)  # type: ignore[attr-defined]
        (page,) = json.loads(library.to_json(document, pages=[index]))["pages"]  # type: ignore[attr-defined]
    except (ValueError, RuntimeError, AttributeError, TypeError, IndexError, KeyError):
        return ParsedPage("", (), 0.0)
    return ParsedPage(str(text), tuple(_peer_tables(page["boxes"])), float(page["height"]))


def _peer_tables(boxes: Sequence[dict]) -> Iterator[FoundTable]:
    for box in boxes:
        if box["boxclass"] == "table" and box.get("table"):
            rows = box["table"]["extract"] or ()
            grid = tuple(tuple(cell or "" for cell in row) for row in rows)
            spread = tuple(tuple(_filled(row)) for row in rows)
            yield FoundTable((box["x0"], box["y0"], box["x1"], box["y1"]), grid, spread)


def _filled(row: Sequence[str | None]) -> Iterator[str]:
    """Repeat what stands to the left in cells that are None: it spans them."""
    last = ""
    for cell in row:
        last = last if cell is None else cell
        yield last
