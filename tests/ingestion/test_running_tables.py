"""Tables that run over pages are one table, under one header."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pymupdf

from ingestion.chunking import chunk_document
from ingestion.layout import Block, Box, ChunkDraft, PageContent, Table, TableCell
from ingestion.parsing import Limits, parse_pages
from ingestion.running_tables import continued, going_on
from ingestion.table_markdown import to_markdown
from tests.ingestion.page_builders import block, page, word_count

COLUMNS = (72, 212, 342, 472)
ROW_HEIGHT = 20
LIMITS = Limits(memory_mb=2048, page_seconds=60)


def table(*rows: Sequence[str], header_rows: int = 1) -> Table:
    """Set rows of texts; empty ones are no cells, and columns are 100 points wide."""
    cells = tuple(
        TableCell(r, c, text, Box(c * 100, r * 20, c * 100 + 60, r * 20 + 10))
        for r, row in enumerate(rows)
        for c, text in enumerate(row)
        if text
    )
    return Table(rows=len(rows), columns=len(rows[0]), cells=cells, header_rows=header_rows)


def set_table(found: Table, *, y: float = 100.0) -> Block:
    return block("x", kind="table", y=y, table=found)


SALES = table(("Item", "2022", "2023"), ("Sales", "10", "12"), ("Returns", "1", "2"))


def test_a_table_that_goes_on_has_the_header_of_its_beginning() -> None:
    joined = continued(SALES, table(("Costs", "8", "9"), ("Profit", "2", "3")))
    assert joined is not None
    assert to_markdown(joined).split("\n") == [
        "| Item | 2022 | 2023 |",
        "| --- | --- | --- |",
        "| Costs | 8 | 9 |",
        "| Profit | 2 | 3 |",
    ]


def test_a_header_that_is_said_again_is_not_doubled() -> None:
    again = table(("Item", "2022", "2023"), ("Costs", "8", "9"), header_rows=1)
    assert continued(SALES, again) == again


def test_a_column_that_is_empty_on_a_page_stays_empty() -> None:
    below = table(("Costs", "9"), ("Profit", "3"))
    moved = replace(
        below,
        cells=tuple(
            replace(cell, box=Box(210, 0, 250, 10)) if cell.column else cell for cell in below.cells
        ),
    )
    joined = continued(SALES, moved)
    assert joined is not None
    assert to_markdown(joined).split("\n")[2:] == ["| Costs |  | 9 |", "| Profit |  | 3 |"]


def test_other_names_over_columns_of_values_begin_another_table() -> None:
    assert continued(SALES, table(("Item", "Q one", "Q two"), ("Costs", "8", "9"))) is None


def test_a_title_of_its_own_begins_another_table() -> None:
    above, below = set_table(SALES), set_table(table(("Costs", "8", "9"), ("Profit", "2", "3")))
    said = [block("Table 1: Sales", kind="caption")]

    def goes_on(caption: str) -> bool:
        own = [block(caption, kind="caption")]
        return going_on(above, below, captions=own, said=said) is not None

    assert goes_on("Table 1 (continued)")
    assert goes_on("Table 1: Sales")
    assert not goes_on("Table 2: Costs")


def test_a_footnote_between_does_not_end_a_table() -> None:
    first = page(set_table(SALES), block("1 In euros.", kind="footnote", y=720), number=1)
    second = page(set_table(table(("Costs", "8", "9"), ("Profit", "2", "3")), y=60), number=2)
    parts = [c.table for c in chunked([first, second]) if c.table]
    assert [(part.key, part.part, part.parts) for part in parts] == [
        ("table-1", 1, 2),
        ("table-1", 2, 2),
    ]


def test_text_between_ends_a_table() -> None:
    first = page(set_table(SALES), number=1)
    other = set_table(table(("Costs", "8", "9"), ("Profit", "2", "3")), y=160)
    second = page(block("Costs are told apart."), other, number=2)
    assert [c.table.parts for c in chunked([first, second]) if c.table] == [1, 1]


def chunked(pages: Sequence[PageContent]) -> list[ChunkDraft]:
    return list(chunk_document(pages, count_tokens=word_count, max_tokens=250))


def ruled_page(document: pymupdf.Document, rows: Sequence[Sequence[str]], *, title: str) -> None:
    drawn = document.new_page()
    top = 100
    if title:
        drawn.insert_text((72, 90), title, fontsize=11)
    bottom = top + ROW_HEIGHT * len(rows)
    for at in range(len(rows) + 1):
        y = top + at * ROW_HEIGHT
        drawn.draw_line((COLUMNS[0], y), (COLUMNS[-1], y))
    for x in COLUMNS:
        drawn.draw_line((x, top), (x, bottom))
    for at, row in enumerate(rows):
        for x, text in zip(COLUMNS, row, strict=False):
            drawn.insert_text((x + 6, top + at * ROW_HEIGHT + 14), text, fontsize=10)


def test_a_ruled_table_over_three_pages_is_one(tmp_path: Path) -> None:
    towns = [(f"Town {n}", f"{n * 137:,}", f"{n * 11}.5") for n in range(1, 81)]
    document = pymupdf.open()
    head = ("Place", "Inhabitants", "Area")
    ruled_page(document, [head, *towns[:29]], title="Table 1: Towns by size, in km2")
    ruled_page(document, towns[29:59], title="")
    ruled_page(document, towns[59:], title="")
    path = tmp_path / "towns.pdf"
    document.save(path)
    outcomes = parse_pages(path, [1, 2, 3], limits=LIMITS)
    pages = [outcome.content for outcome in outcomes if outcome.content is not None]
    found = [chunk for chunk in chunked(pages) if chunk.table is not None]
    assert {chunk.caption for chunk in found} == {"Table 1: Towns by size, in km2"}
    assert {chunk.text.split("\n")[0] for chunk in found} == {"| Place | Inhabitants | Area |"}
    rows = [row for chunk in found for row in chunk.text.split("\n")[2:]]
    assert rows == [f"| {' | '.join(town)} |" for town in towns]
    parts = {chunk.page: chunk.table for chunk in found if chunk.table is not None}
    assert [(p.key, p.part, p.parts) for p in parts.values()] == [
        ("table-1", number, 3) for number in (1, 2, 3)
    ]
    body = [cell for p in parts.values() for cell in p.cells if cell.row >= p.header_rows]
    assert [cell.text for cell in body] == [text for town in towns for text in town]
