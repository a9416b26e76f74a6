from ingestion.layout import Box
from ingestion.lines import build_lines, prevailing_size
from ingestion.raw_page import Word
from tests.ingestion.page_builders import words


def test_runs_side_by_side_are_one_line() -> None:
    right = words("12.5", x=300, y=101, run=1)
    left = words("Net sales", x=72, y=100, run=0)
    assert [line.text for line in build_lines([*right, *left])] == ["Net sales 12.5"]


def test_lines_come_from_top_to_bottom() -> None:
    lower = words("second", x=72, y=114, run=0)
    upper = words("first", x=72, y=100, run=1)
    assert [line.text for line in build_lines([*lower, *upper])] == ["first", "second"]


def test_a_raised_mark_joins_its_word() -> None:
    body = words("note", x=72, y=100, run=0)
    mark = words("1", x=92.2, y=98, run=1, size=6)
    assert build_lines([*body, *mark])[0].text == "note1"


def test_runs_of_hebrew_are_read_from_the_right() -> None:
    left = words("עולם", x=100, y=100, run=1)
    right = words("שלום", x=200, y=100, run=0)
    assert build_lines([*left, *right])[0].text == "שלום עולם"


def test_turned_text_keeps_the_files_order() -> None:
    turned = [
        Word(text, Box(10, y, 20, y + 40), run=0, origin=y, size=10, upright=False)
        for text, y in (("arXiv", 300.0), ("2025", 200.0))
    ]
    assert build_lines(turned)[0].text == "arXiv 2025"


def test_the_prevailing_size_is_that_of_most_letters() -> None:
    text = [*words("a", x=0, y=0, size=30), *words("many more letters", x=0, y=20, size=9)]
    assert prevailing_size(text) == 9
