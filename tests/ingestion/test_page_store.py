from ingestion.layout import Block, Box, DocumentFacts, Line, PageContent, Table, TableCell
from ingestion.page_store import (
    content_as_json,
    content_from_json,
    dump_blocks,
    facts_as_json,
    facts_from_json,
    load_blocks,
)

BOX = Box(1.0, 2.0, 3.0, 4.0)
TABLE = Table(
    rows=2,
    columns=3,
    header_rows=1,
    cells=(TableCell(0, 0, "a", BOX, column_span=2), TableCell(1, 0, "b", row_span=1)),
    key="table-1",
    part=2,
    parts=3,
)
BLOCKS = (
    Block("heading", BOX, (Line("Title", BOX),), level=2, font_size=12.5),
    Block("table", BOX, table=TABLE, image="crop-1", fingerprint="00ff00ff00ff00ff"),
)
CONTENT = PageContent(
    number=3,
    width=612.0,
    height=792.0,
    text_source="ocr",
    blocks=BLOCKS,
    label="iii",
    warnings=("Uncertain.",),
    ocr_confidence=0.75,
)


def test_blocks_come_back_as_they_were() -> None:
    assert load_blocks(dump_blocks(CONTENT)) == BLOCKS
    assert load_blocks(b"") == ()


def test_a_page_comes_back_as_it_was() -> None:
    assert content_from_json(content_as_json(CONTENT)) == CONTENT


def test_facts_come_back_as_they_were() -> None:
    facts = DocumentFacts(9, {"title": "T"}, ((1, "One", 2),))
    assert facts_from_json(facts_as_json(facts)) == facts
