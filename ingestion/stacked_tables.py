"""Tables that stand close below one another, which the layout model takes for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ingestion.layout import Table, TableCell
from ingestion.raw_page import Region, Word
from ingestion.table_header import has_values, rows_of
from ingestion.table_markdown import header_texts
from ingestion.table_phrases import is_value
from ingestion.tables import build_table

_Row = Sequence[TableCell]


def apart(region: Region, words: Sequence[Word]) -> list[Region]:
    """Cut the region of a table above each row that names its columns anew."""
    table = build_table(words, region.box, rows=region.rows, columns=region.columns)
    cut = _cut(table, words) if table else None
    box, rows = region.box, region.rows
    # Letters that are much taller than their row would put it outside.
    if cut is None or not box.y0 < cut < box.y1:
        return [region]
    rest = [word for word in words if word.box.center[1] > cut]
    if len(rest) == len(words):
        return [region]
    above = replace(region, box=replace(box, y1=cut), rows=tuple(y for y in rows if y < cut))
    below = replace(region, box=replace(box, y0=cut), rows=tuple(y for y in rows if y > cut))
    return [above, *apart(below, rest)]


def _cut(table: Table, words: Sequence[Word]) -> float | None:
    """Return the height at which a second table begins, or None."""
    rows = rows_of(table)
    for last in range(table.header_rows + 1, table.rows - 1):
        first = _first(rows, last, table.header_rows)
        above = first - (first > table.header_rows and _is_alone(rows[first - 1]))
        below = next((row for row in rows[last + 1 :] if not _is_alone(row)), ())
        if above == table.header_rows or not has_values(rows[above - 1]) or not has_values(below):
            continue
        if _says_header_again(table, rows, first, last) or (
            _names_columns_anew(table, rows, first, last)
            and (
                any(cell.column_span > 1 for row in rows[first:last] for cell in row)
                or _fills_others(rows, last, below)
                or _stands_out(table, last, words)
            )
        ):
            header = [cell for row in rows[above : last + 1] for cell in row]
            return _between(rows[above - 1], header)
    return None


def _between(above: _Row, below: _Row) -> float:
    bottom = max(cell.box.y1 for cell in above if cell.box)
    return (bottom + min(cell.box.y0 for cell in below if cell.box)) / 2


def _first(rows: Sequence[_Row], last: int, least: int) -> int:
    """Go up from a row, to `least`, over names that stand over it and beside the rows' names."""
    while last > least and rows[last - 1][0].column > 0 and not has_values(rows[last - 1]):
        last -= 1
    return last


def _is_alone(row: _Row) -> bool:
    """Tell a title, or a unit: a name with nothing beside it."""
    return len(row) == 1 and not has_values(row)


def _says_header_again(table: Table, rows: Sequence[_Row], first: int, last: int) -> bool:
    """Tell whether a row is that above the first values, and more than some years said again."""
    said, known = ([(c.column, c.text) for c in rows[at]] for at in (last, table.header_rows - 1))
    more = first < last or rows[last][0].column == 0
    return said == known and len(said) > 1 and more and not has_values(rows[last])


def _names_columns_anew(table: Table, rows: Sequence[_Row], first: int, last: int) -> bool:
    """Tell whether rows give two columns or more names, and not those that they have."""
    if has_values(rows[last]) or len({cell.text for cell in rows[last] if cell.column > 0}) < 2:
        return False
    cells = tuple(replace(c, row=c.row - first) for c in table.cells if first <= c.row <= last)
    height = last - first + 1
    said = header_texts(replace(table, rows=height, cells=cells, header_rows=height))
    pairs = zip(said[1:], header_texts(table)[1:], strict=True)
    return any(name not in ("", known) for name, known in pairs)


def _fills_others(rows: Sequence[_Row], index: int, below: _Row) -> bool:
    """Tell whether a row and the values below fill a column that all rows above leave empty."""
    used = {
        column
        for row in rows[:index]
        for cell in row
        for column in range(cell.column, cell.column + cell.column_span)
    }
    filled = {cell.column for cell in below}
    return any(cell.column in filled - used for cell in rows[index])


def _stands_out(table: Table, index: int, words: Sequence[Word]) -> bool:
    """Tell whether a row is set in bold like the header, and the rows beside it are not."""
    header = [cell for cell in table.cells if cell.row < table.header_rows]
    row = [cell for cell in table.cells if cell.row == index]
    beside = [cell for cell in table.cells if cell.row in (index - 1, index + 1)]
    return all(_is_bold(cell, words) for cell in (*header, *row)) and not any(
        _is_bold(cell, words) for cell in beside if is_value(cell.text)
    )


def _is_bold(cell: TableCell, words: Sequence[Word]) -> bool:
    box = cell.box
    return box is not None and all(word.bold for word in words if box.contains(word.box.center))
