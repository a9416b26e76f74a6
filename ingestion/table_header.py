"""Which rows of a table name its columns, and how far each name reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingestion.layout import Table, TableCell
from ingestion.lines import bounding_box
from ingestion.table_phrases import is_value

MOST_HEADER_ROWS = 4
# A name stands over the middle of its columns, give or take this share of their width.
OFF_CENTRE = 0.12

_Row = list[TableCell]


def with_header(table: Table) -> Table:
    """Count the leading rows that name columns, and let names span the columns they head."""
    rows = rows_of(table)
    extents = _extents(table)
    for index in range(min(MOST_HEADER_ROWS, table.rows - 1)):
        if has_values(rows[index]):
            break
        rows[index] = _spread(rows[index], rows[index + 1], extents)
    cells = tuple(cell for row in rows for cell in row)
    header = min(max(_header_rows(rows), 1), max(table.rows - 1, 1))
    return replace(table, cells=cells, header_rows=header)


def rows_of(table: Table) -> list[_Row]:
    """Return the cells row by row."""
    rows: list[_Row] = [[] for _ in range(table.rows)]
    for cell in table.cells:
        rows[cell.row].append(cell)
    return rows


def has_values(row: Sequence[TableCell]) -> bool:
    """Tell whether a row holds values beside the name that it begins with."""
    return any(is_value(cell.text) for cell in row if cell.column > 0)


def _header_rows(rows: Sequence[_Row]) -> int:
    """Count the rows before the first row of values."""
    header = 0
    under_spans = False
    for row in rows[:MOST_HEADER_ROWS]:
        # Below a name over several columns stand the columns' own, even if they are numbers.
        names_leaves = under_spans and row[0].column > 0
        if not names_leaves and has_values(row):
            return header
        header += 1
        under_spans = any(cell.column_span > 1 for cell in row)
        # A full row of words ends what can be told from the values.
        if not under_spans and len(row) > 1:
            break
    # What stands alone below the names and beside the stub holds for all columns: a unit.
    after = rows[header] if header < len(rows) else []
    unit = len(after) == 1 and after[0].column > 0 and not has_values(after)
    return header + unit


def _extents(table: Table) -> list[tuple[float, float]]:
    """Return from where to where the cells reach that stand in one column alone."""
    extents = []
    for column in range(table.columns):
        boxes = [
            cell.box
            for cell in table.cells
            if cell.column == column and cell.column_span == 1 and cell.box is not None
        ]
        box = bounding_box(boxes) if boxes else None
        extents.append((box.x0, box.x1) if box else (0.0, 0.0))
    return extents


def _spread(row: _Row, below: _Row, extents: Sequence[tuple[float, float]]) -> _Row:
    """Let the names of a row span the columns whose middle they stand over.

    Only where columns that the row leaves empty have names of their own in the row below.
    """
    names = [cell for cell in row if cell.column > 0 and cell.box is not None]
    leaves = [cell for cell in below if cell.column > 0]
    if not names or len(leaves) <= len(names) or any(cell.column_span > 1 for cell in leaves):
        return row
    groups: list[list[TableCell]] = [[] for _ in names]
    for leaf in leaves:
        middle = sum(extents[leaf.column]) / 2
        groups[_nearest(names, middle)].append(leaf)
    if not all(_heads(name, group, extents) for name, group in zip(names, groups, strict=True)):
        groups = _alike(names, groups, extents)
    if not groups:
        return row
    spread = [
        replace(
            name,
            column=group[0].column,
            column_span=group[-1].column - group[0].column + 1,
        )
        for name, group in zip(names, groups, strict=True)
    ]
    return [*(cell for cell in row if cell not in names), *spread]


def _alike(
    names: Sequence[TableCell],
    groups: Sequence[Sequence[TableCell]],
    extents: Sequence[tuple[float, float]],
) -> list[list[TableCell]]:
    """Leave out columns at the sides that no name heads, so that all head the same leaves.

    Returns nothing where that cannot be: "Micro" and "Macro" each stand over "P", "R", "F1".
    """
    if len(names) < 2:
        return []
    for count in range(min(len(group) for group in groups), 1, -1):
        parts = [
            [list(group[at : at + count]) for at in range(len(group) - count + 1)]
            for group in groups
        ]
        fitting = [
            [part for part in choices if _heads(name, part, extents)]
            for name, choices in zip(names, parts, strict=True)
        ]
        for first in fitting[0]:
            texts = [leaf.text for leaf in first]
            same = [[p for p in part if [leaf.text for leaf in p] == texts] for part in fitting]
            if all(same):
                return [choices[0] for choices in same]
    return []


def _nearest(names: Sequence[TableCell], middle: float) -> int:
    def distance(index: int) -> float:
        box = names[index].box
        return abs(box.center[0] - middle) if box else float("inf")

    return min(range(len(names)), key=distance)


def _heads(
    name: TableCell, group: Sequence[TableCell], extents: Sequence[tuple[float, float]]
) -> bool:
    """Tell whether a name stands over the middle of a group of columns."""
    if not group or name.box is None:
        return False
    covered = range(name.column, name.column + name.column_span)
    if not any(leaf.column in covered for leaf in group):
        return False
    left, right = extents[group[0].column][0], extents[group[-1].column][1]
    if abs((left + right) / 2 - name.box.center[0]) > OFF_CENTRE * (right - left):
        return False
    under = next((leaf for leaf in group if leaf.column == name.column), None)
    if len(group) % 2 == 0 or under is None or name.column_span > 1:
        return True
    # Right above a middle column may also stand the first line of that column's own name.
    shapes = {any(char.isdigit() for char in leaf.text) for leaf in group}
    return len(group) == 1 or (len(shapes) == 1 and not under.text[:1].islower())
