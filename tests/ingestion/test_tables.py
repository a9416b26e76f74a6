from ingestion.layout import Box, Table
from ingestion.tables import build_table, continued, header_texts, to_markdown
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


def test_a_table_that_goes_on_has_the_header_of_its_beginning() -> None:
    above = table(
        (72, "Item"), (202, "2022"), (302, "2023"),
        (72, "Sales"), (202, "10"), (302, "12"),
        lines=(120.0,),
    )  # fmt: skip
    below = table(
        (72, "Costs"), (202, "8"), (302, "9"),
        (72, "Profit"), (202, "2"), (302, "3"),
        lines=(120.0,),
    )  # fmt: skip
    joined = continued(above, below)
    assert joined is not None
    assert to_markdown(joined).split("\n") == [
        "| Item | 2022 | 2023 |",
        "| --- | --- | --- |",
        "| Costs | 8 | 9 |",
        "| Profit | 2 | 3 |",
    ]
