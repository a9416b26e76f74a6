from collections.abc import Iterable
from dataclasses import replace

from ingestion.blocks import build_blocks
from ingestion.layout import Box
from ingestion.raw_page import RawPage, Region, Word
from ingestion.table_markdown import header_texts, row_texts
from tests.ingestion.page_builders import words

X = (72.0, 200.0, 270.0, 340.0)
ROW = 20.0


def tables(
    *rows: tuple[str, ...], bold: Iterable[int] = ()
) -> list[tuple[list[str], list[list[str]]]]:
    """Set rows of cells on a page as one region; return the names and rows of its tables."""
    placed: list[Word] = []
    for at, row in enumerate(rows):
        for x, text in zip(X, row, strict=True):
            line = words(text, x=x, y=102 + ROW * at, run=len(placed))
            placed += [replace(word, bold=at in bold) for word in line]
    box = Box(70, 100, 420, 100 + ROW * len(rows))
    lines = tuple(100 + ROW * at for at in range(1, len(rows)))
    region = Region("table", box, rows=lines, columns=tuple(x - 4 for x in X[1:]))
    blocks = build_blocks(RawPage(600, 800, tuple(placed), (region,)), outline={})
    found = [block.table for block in blocks if block.table]
    return [(header_texts(table), row_texts(table)[table.header_rows :]) for table in found]


def test_a_header_over_other_columns_begins_a_table_of_its_own() -> None:
    assert tables(
        ("GAAP", "", "2022", "2023"),
        ("Sales", "", "10", "12"),
        ("Adjusted", "2022", "2023", "Change"),
        ("Sales", "10", "12", "20 %"),
        ("EBIT", "3", "4", "33 %"),
    ) == [
        (["GAAP", "2022", "2023"], [["Sales", "10", "12"]]),
        (
            ["Adjusted", "2022", "2023", "Change"],
            [["Sales", "10", "12", "20 %"], ["EBIT", "3", "4", "33 %"]],
        ),
    ]


def test_a_header_in_bold_like_the_first_begins_a_table_of_its_own() -> None:
    rows = (
        ("Assets", "2021", "2022", "2023"),
        ("Cash", "1", "2", "3"),
        ("Shares", "Lowest", "Highest", "Mean"),
        ("Price", "4", "6", "5"),
    )
    assert [names[1:] for names, _ in tables(*rows, bold=(0, 2))] == [
        ["2021", "2022", "2023"],
        ["Lowest", "Highest", "Mean"],
    ]


def test_each_table_has_its_own_part_of_the_region() -> None:
    placed = [
        word
        for at, row in enumerate((("a", "", "b"), ("c", "", "1"), ("d", "e", "f"), ("g", "2", "3")))
        for x, text in zip(X, row, strict=False)
        for word in words(text, x=x, y=102 + ROW * at, run=10 * at + int(x) % 7)
    ]
    region = Region("table", Box(70, 100, 420, 180), rows=(120, 140, 160), columns=(196, 266))
    above, below = build_blocks(RawPage(600, 800, tuple(placed), (region,)), outline={})
    assert (above.box.y0, above.box.y1) == (100, below.box.y0)
    assert (above.text, below.text) == ("a b\nc 1", "d e f\ng 2 3")


def test_words_among_the_rows_are_no_header() -> None:
    (found,) = tables(
        ("Bank", "2021", "2022", "2023"),
        ("Loans", "1", "2", "3"),
        ("Rating", "AA", "A", "BBB"),
        ("Profit", "4", "6", "5"),
        ("Costs", "", "", ""),
        ("Rent", "7", "8", "9"),
        bold=(0,),
    )
    assert len(found[1]) == 5


def test_a_header_with_a_name_over_its_columns_needs_none_for_its_rows() -> None:
    found = tables(
        ("", "April", "January", ""),
        ("Cash", "5", "3", ""),
        ("", "Three months that ended", "", ""),
        ("", "April", "May", ""),
        ("", "", "in millions", ""),
        ("Sales", "2", "1", ""),
    )
    assert [len(rows) for _, rows in found] == [1, 1]
    assert found[1][0][1].startswith("Three months that ended April")


def test_a_header_said_again_begins_a_table_together_with_its_title() -> None:
    found = tables(
        ("Topic", "Letters", "", ""),
        ("Travel", "7", "", ""),
        ("Other topics", "", "", ""),
        ("Topic", "Letters", "", ""),
        ("Food", "9", "", ""),
    )
    assert found == [
        (["Topic", "Letters"], [["Travel", "7"]]),
        (["Other topics Topic", "Letters"], [["Food", "9"]]),
    ]


def test_the_same_names_under_another_date_begin_a_table() -> None:
    found = tables(
        ("", "", "May 2021", ""),
        ("Millions", "Fair", "Cash", "Bonds"),
        ("Level 1", "9", "5", "4"),
        ("", "", "May 2020", ""),
        ("Millions", "Fair", "Cash", "Bonds"),
        ("Level 1", "8", "6", "2"),
    )
    assert [names[2] for names, _ in found] == ["May 2021 Cash", "May 2020 Cash"]


def test_years_said_again_begin_no_table() -> None:
    (found,) = tables(
        ("", "2022", "2023", ""),
        ("Sales", "9", "5", ""),
        ("", "2022", "2023", ""),
        ("Costs", "8", "6", ""),
    )
    assert len(found[1]) == 3


def test_the_same_names_over_other_rows_begin_no_table() -> None:
    (found,) = tables(
        ("Assets", "2021", "2022", "2023"),
        ("Cash", "1", "2", "3"),
        ("Debts", "2021", "2022", "2023"),
        ("Loans", "4", "6", "5"),
        bold=(0, 2),
    )
    assert found[1][1] == ["Debts", "2021", "2022", "2023"]
