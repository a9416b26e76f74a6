"""Parts of a table, joined to one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestion.layout import Box, Table, TableCell
from ingestion.running_tables import continued, numbered
from ingestion.table_markdown import to_markdown
from ingestion.whole_tables import Piece, as_csv, whole_tables


def table(*rows: str) -> Table:
    """Write rows of cells that bars set apart; the first names the columns."""
    texts = [row.split("|") for row in rows]
    cells = tuple(
        TableCell(r, c, text, Box(c * 100, r * 20, c * 100 + 60, r * 20 + 10))
        for r, row in enumerate(texts)
        for c, text in enumerate(row)
        if text
    )
    return Table(rows=len(rows), columns=len(texts[0]), cells=cells)


def piece(chunk: int, page: int, found: Table, **fields: object) -> Piece:
    return Piece(chunk, page, Box(0, 0, 300, 100), found, **fields)  # type: ignore[arg-type]


SALES = table("Item|2022|2023", "Sales|10|12")
MORE = continued(SALES, table("Costs|8|9", "Profit|2|3"))
assert MORE is not None
FIRST, SECOND = numbered([SALES, MORE], key="table-1")


def test_parts_become_one_table_with_one_header() -> None:
    (whole,) = whole_tables(
        [piece(7, 3, FIRST, caption="Table 1"), piece(8, 4, SECOND), piece(9, 4, SECOND)]
    )
    assert to_markdown(whole.table).split("\n") == [
        *("| Item | 2022 | 2023 |", "| --- | --- | --- |"),
        *("| Sales | 10 | 12 |", "| Costs | 8 | 9 |", "| Profit | 2 | 3 |"),
    ]
    assert (whole.number, whole.caption, whole.pages) == (1, "Table 1", (3, 4))
    assert [(p.first_row, p.rows, p.chunks) for p in whole.parts] == [(0, 2, (7,)), (2, 2, (8, 9))]
    assert [whole.page_of(row) for row in range(whole.table.rows)] == [3, 3, 4, 4]
    assert whole.table.parts == 1


def test_every_cell_is_in_the_whole_once() -> None:
    (whole,) = whole_tables([piece(7, 3, FIRST), piece(8, 4, SECOND)])
    places = [(cell.row, cell.column) for cell in whole.table.cells]
    assert len(places) == len(set(places)) == 12


def test_tables_that_only_follow_each_other_stay_apart() -> None:
    other = replace(piece(2, 1, SALES), box=Box(0, 200, 300, 300))
    found = whole_tables([piece(1, 1, SALES), other, piece(3, 2, SALES)])
    assert [(each.number, each.chunks) for each in found] == [(1, (1,)), (2, (2,)), (3, (3,))]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("-1,250", '"-1,250"'),
        ("- Travel", "'- Travel"),
        ("=cmd()", "'=cmd()"),
        ("+49 30", "+49 30"),
        ("-", "-"),
        ("-1.5e-3", "-1.5e-3"),
        ("-12 €", "-12 €"),
        ("-2+3+cmd!A0", "'-2+3+cmd!A0"),
        ("+1.HYPERLINK(A1)", "'+1.HYPERLINK(A1)"),
    ],
)
def test_numbers_are_kept_and_formulas_made_harmless(text: str, written: str) -> None:
    assert as_csv(table("Item|Sum", f"Cost|{text}")) == f"Item,Sum\r\nCost,{written}\r\n"
