"""A table's cells as rows of text and as Markdown."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from ingestion.layout import Table


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
