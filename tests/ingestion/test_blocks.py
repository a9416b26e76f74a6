from ingestion.blocks import build_blocks
from ingestion.layout import Box
from ingestion.raw_page import RawPage, Region
from tests.ingestion.page_builders import words


def test_text_outside_of_every_region_is_kept() -> None:
    placed = [
        *words("In the box.", x=72, y=100, run=0),
        *words("A stray line", x=72, y=300, run=1),
        *words("and its second.", x=72, y=312, run=2),
    ]
    raw = RawPage(600, 800, tuple(placed), (Region("text", Box(70, 95, 300, 115)),))
    blocks = build_blocks(raw, outline={})
    assert [block.text for block in blocks] == ["In the box.", "A stray line\nand its second."]


def test_page_headers_come_first_and_footers_last() -> None:
    placed = [
        *words("foot", x=72, y=780, run=0),
        *words("body", x=72, y=300, run=1),
        *words("note", x=72, y=700, run=2),
        *words("head", x=72, y=20, run=3),
    ]
    regions = (
        Region("page_footer", Box(70, 775, 300, 795)),
        Region("text", Box(70, 295, 300, 315)),
        Region("footnote", Box(70, 695, 300, 715)),
        Region("page_header", Box(70, 15, 300, 35)),
    )
    blocks = build_blocks(RawPage(600, 800, tuple(placed), regions), outline={})
    assert [block.text for block in blocks] == ["head", "body", "note", "foot"]


def test_the_outline_gives_a_heading_its_level() -> None:
    regions = (Region("heading", Box(70, 95, 400, 115)),)
    raw = RawPage(600, 800, tuple(words("2.1 Market risk", x=72, y=100)), regions)
    (heading,) = build_blocks(raw, outline={"Market Risk": 3})
    assert heading.level == 3


def test_a_table_has_cells_and_keeps_its_words_as_lines() -> None:
    placed = [
        *words("Year", x=72, y=102, run=0), *words("Sales", x=202, y=102, run=1),
        *words("2023", x=72, y=122, run=2), *words("10", x=202, y=122, run=3),
    ]  # fmt: skip
    region = Region("table", Box(70, 100, 300, 140), rows=(120.0,), columns=(200.0,))
    (table,) = build_blocks(RawPage(600, 800, tuple(placed), (region,)), outline={})
    assert table.table is not None
    assert table.text == "Year Sales\n2023 10"


def test_the_rest_of_a_line_after_an_icon_goes_back_to_its_paragraph() -> None:
    placed = [
        *words("You can touch", x=72, y=100, run=0),
        *words("the items.", x=72, y=114, run=1),
        *words("in the list to see", x=148, y=100, run=2),
    ]
    regions = (
        Region("text", Box(70, 98, 140, 126)),
        Region("text", Box(146, 98, 300, 112)),
    )
    (block,) = build_blocks(RawPage(600, 800, tuple(placed), regions), outline={})
    assert block.text == "You can touch in the list to see\nthe items."


def test_small_print_with_a_mark_at_the_foot_of_a_column_is_a_footnote() -> None:
    placed = [
        *words("retrieved by an entity recogniser that", x=72, y=600, run=0),
        *words("3https://spacy.io is its home", x=72, y=640, run=1, size=8.0),
        *words("knows names in the second column", x=330, y=100, run=2),
        *words("4 apples are small print in its middle", x=330, y=500, run=3, size=8.0),
        *words("and text goes on below them here", x=330, y=560, run=4),
    ]
    regions = [Region("text", Box(70, y - 2, 300, y + 14)) for y in (600, 640)]
    regions += [Region("text", Box(328, y - 2, 560, y + 14)) for y in (100, 500, 560)]
    raw = RawPage(600, 800, tuple(placed), tuple(regions))
    found = build_blocks(raw, outline={})
    assert [block.text for block in found if block.kind == "footnote"] == [
        "3https://spacy.io is its home"
    ]
    assert found[-1].kind == "footnote"
