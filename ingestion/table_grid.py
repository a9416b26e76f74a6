"""A stored table as rows of cells that an HTML table can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class GridCell:
    text: str
    row_span: int
    column_span: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Header rows and body rows; cells covered by another's span are left out."""

    header: tuple[tuple[GridCell, ...], ...]
    body: tuple[tuple[GridCell, ...], ...]


def grid(table: dict[str, Any]) -> Grid:
    """Lay out a `Chunk.table` (see `ingestion.layout.Table`), empty cells filled in."""
    cells = {(cell["row"], cell["column"]): cell for cell in table["cells"]}
    covered: set[tuple[int, int]] = set()
    rows = [_row(number, table["columns"], cells, covered) for number in range(table["rows"])]
    header_rows = table.get("header_rows", 1)
    return Grid(header=tuple(rows[:header_rows]), body=tuple(rows[header_rows:]))


def _row(
    number: int,
    columns: int,
    cells: dict[tuple[int, int], dict[str, Any]],
    covered: set[tuple[int, int]],
) -> tuple[GridCell, ...]:
    found = []
    for column in range(columns):
        if (number, column) in covered:
            continue
        cell = cells.get((number, column), {})
        down, across = cell.get("row_span", 1), cell.get("column_span", 1)
        covered.update((number + i, column + j) for i in range(down) for j in range(across))
        found.append(GridCell(cell.get("text", ""), down, across))
    return tuple(found)
