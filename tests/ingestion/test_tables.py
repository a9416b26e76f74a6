from dataclasses import replace

from ingestion.layout import Box, Table
from ingestion.table_markdown import header_texts, row_texts, to_markdown
from ingestion.tables import build_table
from tests.ingestion.page_builders import words

BOX = Box(70, 100, 400, 160)
COLUMNS = (200.0, 300.0)


def table(*rows: tuple[float, str], lines: tuple[float, ...], columns=COLUMNS) -> Table:
    """Make a table of (x, text) phrases, a new row wherever x starts again from the left."""
    placed, y, run, last = [], 102.0, 0, 0.0
    for x, text in rows:
        if run and x <= last:
            y += 20
        placed += words(text, x=x, y=y, run=run)
        run, last = run + 1, x
    found = build_table(placed, BOX, rows=lines, columns=columns)
    assert found is not None
    return found


def test_words_fill_the_cells_of_the_grid() -> None:
    found = table(
        (72, "Animal"), (202, "Where"), (302, "Legs"),
        (72, "Ant"), (202, "Garden"), (302, "6"),
        lines=(120.0,),
    )  # fmt: skip
    assert to_markdown(found) == (
        "| Animal | Where | Legs |\n| --- | --- | --- |\n| Ant | Garden | 6 |"
    )


def test_a_name_over_two_columns_spans_them() -> None:
    found = table(
        (230, "Year ended in December"),
        (72, "Item"), (202, "2022"), (302, "2023"),
        (72, "Sales"), (202, "10"), (302, "12"),
        lines=(120.0, 140.0),
    )  # fmt: skip
    assert header_texts(found) == [
        "Item",
        "Year ended in December 2022",
        "Year ended in December 2023",
    ]


def test_columns_that_stay_empty_are_dropped() -> None:
    found = table(
        (72, "a"), (302, "b"),
        (72, "c"), (302, "d"),
        lines=(120.0,),
    )  # fmt: skip
    assert found.columns == 2


def test_a_pipe_in_a_cell_does_not_end_it() -> None:
    found = table((72, "a|b"), (202, "c"), (72, "d"), (202, "e"), lines=(120.0,))
    assert "a\\|b" in to_markdown(found)


def test_lines_of_one_cell_are_joined() -> None:
    placed = [
        *words("Name", x=72, y=102, run=0), *words("Place", x=202, y=102, run=1),
        *words("two", x=72, y=122, run=2), *words("lines", x=72, y=134, run=3),
        *words("here", x=202, y=122, run=4),
    ]  # fmt: skip
    found = build_table(placed, BOX, rows=(120.0,), columns=(200.0,))
    assert found is not None
    assert found.cells[2].text == "two lines"


def test_a_single_cell_is_no_table() -> None:
    assert build_table(words("alone", x=72, y=102), BOX, rows=(), columns=()) is None


def test_the_names_under_a_spanning_name_are_header_though_they_are_numbers() -> None:
    found = table(
        (230, "Accuracy by level here"),
        (202, "1"), (302, "2"),
        (72, "Model"), (202, "49.2"), (302, "50.1"),
        lines=(120.0, 140.0),
    )  # fmt: skip
    assert header_texts(found) == ["", "Accuracy by level here 1", "Accuracy by level here 2"]


def test_a_short_name_over_the_middle_heads_all_its_columns() -> None:
    found = table(
        (238, "Year ended"),
        (72, "Item"), (180, "Jan 2023"), (240, "Jan 2024"), (300, "Jan 2025"),
        (235, "(In millions)"),
        (72, "Sales"), (180, "10"), (240, "12"), (300, "14"),
        lines=(120.0, 140.0, 159.0), columns=(170.0, 230.0, 290.0),
    )  # fmt: skip
    assert found.header_rows == 3
    assert header_texts(found)[1:] == [
        f"Year ended Jan {year} (In millions)" for year in (2023, 2024, 2025)
    ]


def test_the_first_line_of_a_column_s_own_name_does_not_spread() -> None:
    found = table(
        (240, "Average"),
        (72, "Item"), (180, "Lowest"), (240, "price"), (300, "Highest"),
        (72, "Sales"), (180, "10"), (240, "12"), (300, "14"),
        lines=(120.0, 140.0), columns=(170.0, 230.0, 290.0),
    )  # fmt: skip
    assert header_texts(found) == ["Item", "Lowest", "Average price", "Highest"]


def test_close_numbers_are_parted_by_the_line_between_them() -> None:
    row = words("Utah", x=72, y=102, run=0) + words("27,534 38,279", x=202, y=102, run=1, size=8)
    # A gap of half a size: less than what parts phrases where no line runs.
    apart = replace(row[-1], box=Box(230.5, 102, 255, 110))
    found = build_table([*row[:-1], apart], BOX, rows=(), columns=(200.0, 228.5))
    assert found is not None
    assert [cell.text for cell in found.cells] == ["Utah", "27,534", "38,279"]


def test_a_column_is_parted_where_values_stand_side_by_side() -> None:
    found = table(
        (72, "Item"), (205, "2022"), (305, "2023"),
        *(cell for n in "abc" for cell in ((72, n), (205, "1,100"), (305, "2,200"))),
        lines=(120.0, 140.0, 160.0), columns=(200.0,),
    )  # fmt: skip
    assert found.columns == 3
    assert row_texts(found)[1] == ["a", "1,100", "2,200"]


def test_a_row_is_parted_where_lines_hold_values_in_the_same_columns() -> None:
    found = table(
        (72, "Item"), (202, "First"), (302, "Second"),
        (72, "Utah"), (202, "10"), (302, "20"),
        (72, "Virginia"), (202, "30"), (302, "40"),
        lines=(120.0,),
    )  # fmt: skip
    assert row_texts(found)[1:] == [["Utah", "10", "20"], ["Virginia", "30", "40"]]


def test_a_name_on_two_lines_stays_one_row() -> None:
    found = table(
        (72, "Item"), (202, "First"), (302, "Second"),
        (72, "Cost of goods"), (202, "10"), (302, "20"),
        (72, "and services"),
        lines=(120.0,),
    )  # fmt: skip
    assert row_texts(found)[1:] == [["Cost of goods and services", "10", "20"]]


def test_a_column_is_parted_below_years_that_stand_side_by_side() -> None:
    found = table(
        (72, "Item"), (205, "2022"), (305, "2023"),
        (72, "Sales"), (205, "1,100"), (305, "2,200"),
        lines=(120.0,), columns=(200.0,),
    )  # fmt: skip
    assert row_texts(found) == [["Item", "2022", "2023"], ["Sales", "1,100", "2,200"]]


def test_years_side_by_side_are_names() -> None:
    found = table(
        (200, "Year ended in December"),
        (72, "Item"), (202, "2022"), (302, "2021 2020"),
        (72, "Sales"), (202, "10"), (302, "12 14"),
        lines=(120.0, 140.0),
    )  # fmt: skip
    assert found.header_rows == 2


def test_signs_go_with_their_values() -> None:
    row = [
        *words("Footwear", x=72, y=122, run=1),
        *words("$ 6,970 $", x=202, y=122, run=2),
        *words("5,892", x=302, y=122, run=3),
        *words("18", x=342, y=122, run=4),
        *words("%", x=372, y=122, run=5),
    ]
    head = [
        word
        for run, (x, text) in enumerate([(202, "2021"), (302, "2020"), (342, "Up")], start=6)
        for word in words(text, x=x, y=102, run=run)
    ]
    found = build_table([*head, *row], BOX, rows=(120.0,), columns=(200.0, 260.0, 335.0, 365.0))
    assert found is not None
    assert row_texts(found)[1] == ["Footwear", "$ 6,970", "$ 5,892", "18 %"]


def test_names_head_the_same_columns_each() -> None:
    found = table(
        (226, "Micro"), (346, "Macro"),
        (72, "Model"), (170, "Align"), (210, "P"), (235, "F1"), (330, "P"), (355, "F1"),
        (72, "GPT"), (170, "92"), (210, "36"), (235, "39"), (330, "41"), (355, "42"),
        lines=(120.0, 140.0), columns=(165.0, 205.0, 230.0, 300.0, 350.0),
    )  # fmt: skip
    assert header_texts(found) == ["Model", "Align", "Micro P", "Micro F1", "Macro P", "Macro F1"]


def test_a_name_over_columns_whose_names_share_its_row_spans_them() -> None:
    found = table(
        (192, "Three Months Ended June 30"),
        (72, "($ million)"), (180, "Flexibles"), (245, "Rigid"), (300, "Total"),
        (72, "Net sales"), (180, "2,777"), (245, "897"), (300, "3,673"),
        lines=(140.0,), columns=(170.0, 230.0, 290.0),
    )  # fmt: skip
    assert header_texts(found) == [
        "($ million)",
        *(f"Three Months Ended June 30 {name}" for name in ("Flexibles", "Rigid", "Total")),
    ]


def test_names_over_names_over_columns_have_a_row_each() -> None:
    found = table(
        (200, "Year ended in the month of December"),
        (190, "2022 restated"), (320, "2023 audited"),
        (72, "Item"), (180, "Gross"), (245, "Net"), (300, "Gross"), (375, "Net"),
        (72, "Sales"), (180, "10"), (245, "9"), (300, "12"), (375, "11"),
        lines=(159.0,), columns=(170.0, 230.0, 290.0, 350.0),
    )  # fmt: skip
    assert found.header_rows == 3
    assert header_texts(found)[1:] == [
        f"Year ended in the month of December {year} {kind}"
        for year in ("2022 restated", "2023 audited")
        for kind in ("Gross", "Net")
    ]


def test_a_name_on_two_lines_over_columns_spans_them() -> None:
    found = table(
        (195, "Amount of the gain"),
        (192, "Year ended in May"),
        (72, "Item"), (190, "2022"), (260, "2023"),
        (72, "Sales"), (190, "10"), (260, "12"),
        lines=(159.0,), columns=(180.0, 240.0),
    )  # fmt: skip
    assert header_texts(found)[1:] == [
        f"Amount of the gain Year ended in May {year}" for year in (2022, 2023)
    ]


def test_the_first_line_of_a_long_name_spans_nothing() -> None:
    found = table(
        (178, "Weighted cost"), (305, "Lowest"),
        (72, "Item"), (178, "of sales"), (262, "Price"), (305, "price"),
        (72, "Sales"), (178, "10"), (262, "12"), (305, "14"),
        lines=(140.0,), columns=(170.0, 236.0, 295.0),
    )  # fmt: skip
    assert header_texts(found) == ["Item", "Weighted cost of sales", "Price", "Lowest price"]
