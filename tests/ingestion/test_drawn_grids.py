"""Where a table's cells are drawn, the lines tell its rows and columns."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from ingestion.drawn_grids import with_drawn_cells
from ingestion.layout import Box
from ingestion.raw_page import Pixels, Region, Word
from tests.ingestion.page_builders import words

PLACE = Box(50, 100, 450, 220)
COLUMNS = (150.0, 300.0)
# A line of text stands every 20 points; lines are drawn above the rows, the model's edges
# are those between all lines of text, a little off.
MODEL = (118.0, 138.0, 158.0, 178.0, 198.0)
PRESSES = [
    ("Action", "What it does", "Remarks"),
    ("Press", "The app is opened by", "But not while somebody"),
    ("once", "default.", "calls."),
    ("", "The rest is yours.", ""),
    ("Press and", "Wakes the assistant.", "In some"),
    ("hold", "", "countries."),
]


def rows_of(
    lines: list[tuple[str, ...]],
    *,
    drawn: tuple[int, ...] = (120, 180),
    partly: int = 0,
    columns: bool = True,
) -> tuple[float, ...]:
    """The row edges that are left; lines are `drawn` at heights, and `partly` over half a table."""
    image = Image.new("RGB", (500, 300), "white")
    pen = ImageDraw.Draw(image)
    for y in drawn:
        pen.line((50, y, 450, y), fill="black")
    if partly:
        pen.line((50, partly, 250, partly), fill="black")
    for x in COLUMNS if columns else ():
        pen.line((x, 100, x, 220), fill="black")
    said: list[Word] = []
    for number, texts in enumerate(lines):
        for column, text in enumerate(texts):
            if text:
                x = (52, 152, 302)[column]
                said += words(text, x=x, y=104 + 20 * number, run=3 * number + column)
    pixels = Pixels(500, 300, image.tobytes(), scale=1.0, left=0.0, top=0.0)
    region = Region("table", PLACE, rows=MODEL, columns=COLUMNS)
    (mended,) = with_drawn_cells([region], said, pixels)
    return mended.rows


def near(found: tuple[float, ...], *wanted: float) -> bool:
    return len(found) == len(wanted) and all(
        abs(a - b) < 2 for a, b in zip(found, wanted, strict=True)
    )


def test_cells_that_run_on_are_one_row() -> None:
    assert near(rows_of(PRESSES), 120, 180)


def test_rows_without_lines_between_them_stay() -> None:
    full = [(f"Name {n}", f"Place {n}", f"Kind {n}") for n in range(6)]
    assert rows_of(full) == MODEL


def test_values_make_rows() -> None:
    lines = [*PRESSES[:2], ("Twice", "12.5", ""), *PRESSES[3:]]
    found = rows_of(lines)
    assert MODEL[1] in found
    assert MODEL[2] in found


def test_a_cell_left_empty_on_top_makes_rows() -> None:
    lines = [*PRESSES[:1], ("Press", "", "Never"), ("once", "Starts it", ""), *PRESSES[3:]]
    assert MODEL[1] in rows_of(lines)


def test_a_line_across_some_cells_parts_their_rows() -> None:
    assert near(rows_of(PRESSES, partly=140), 118, 138, 158, 180)


def test_without_lines_down_or_with_a_single_one_across_nothing_is_told() -> None:
    assert rows_of(PRESSES, columns=False) == MODEL
    assert rows_of(PRESSES, drawn=(120,)) == MODEL


def columns_of(
    lines: list[tuple[str, str, str]],
    *,
    model: tuple[float, ...],
    right: bool = False,
    beside: Sequence[Word] = (),
) -> tuple[float, ...]:
    """The column edges of lines of three texts; with `right`, all but the first to the right."""
    image = Image.new("RGB", (500, 300), "white")
    pen = ImageDraw.Draw(image)
    for y in range(120, 220, 20):
        pen.line((50, y, 450, y), fill="lightgrey")
    for x in COLUMNS:
        pen.line((x, 100, x, 220), fill="lightgrey")
    said: list[Word] = [*beside]
    for number, texts in enumerate(lines):
        for column, text in enumerate(texts):
            left, end = ((52, 148), (152, 298), (302, 448))[column]
            x = end - 5 * len(text) if right and number else left
            said += words(text, x=x, y=104 + 20 * number, run=3 * number + column)
    pixels = Pixels(500, 300, image.tobytes(), scale=1.0, left=0.0, top=0.0)
    region = Region("table", PLACE, rows=tuple(range(120, 220, 20)), columns=model)
    (mended,) = with_drawn_cells([region], said, pixels)
    return mended.columns


YEARS = [("Year", "Ann", "Bob"), *[(str(2020 + n), str(11 * n), str(13 * n)) for n in range(5)]]


def test_names_to_the_left_and_numbers_to_the_right_are_one_column() -> None:
    assert near(columns_of(YEARS, model=(100.0, 151.0, 220.0, 380.0), right=True), 150, 300)


def test_a_drawn_column_that_the_model_missed_is_found() -> None:
    assert near(columns_of(YEARS, model=(152.0,)), 150, 300)


def test_an_edge_between_two_values_of_a_line_stays_though_nothing_is_drawn() -> None:
    beside = [word for n in range(6) for word in words("77", x=250, y=104 + 20 * n, run=50 + n)]
    model = (150.0, 210.0, 300.0)
    assert near(columns_of(YEARS, model=model, beside=beside), 150, 210, 300)
    assert near(columns_of(YEARS, model=model), 150, 300)
