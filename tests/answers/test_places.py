from __future__ import annotations

from answers.places import boxes_of, sentence_ranges, statements, supporting_ranges
from ingestion.layout import Box
from tests.answers.pieces import piece

TEXT = (
    "Contoso was founded in 1998.\n"
    "It sells health plans in Washington.\n"
    "The deductible is $500 per year.\n"
    "The deductible of the other plan is $750 per year."
)


def supported(*said: str) -> list[str]:
    return [TEXT[start:end] for start, end in supporting_ranges(TEXT, said)]


def test_statements_are_what_stands_before_a_marker():
    answer = "It was founded in 1998 [1]. The fee is 5 [2][3]. Plans are sold [1]."
    assert statements(answer, 1) == ["It was founded in 1998", "Plans are sold"]
    assert statements(answer, 2) == statements(answer, 3) == ["The fee is 5"]
    assert statements(answer, 4) == []


def test_a_statement_ends_where_the_one_before_ended():
    answer = "First thing. Second thing [1]\n- Third thing [1]"
    assert statements(answer, 1) == ["Second thing", "- Third thing"]


def test_finds_the_lines_that_a_statement_leans_on():
    assert supported("Contoso began in 1998") == ["Contoso was founded in 1998."]


def test_the_right_number_decides():
    assert supported("The deductible is $750.") == [TEXT.split("\n")[3]]


def test_what_nothing_supports_has_no_lines():
    assert supported("Penguins are birds.") == []
    assert supporting_ranges("", ["Penguins"]) == []


def test_ranges_cover_sentences_without_their_spaces():
    text = "One is here. Two is there.\nThree"
    assert [text[a:b] for a, b in sentence_ranges(text)] == [
        "One is here.",
        "Two is there.",
        "Three",
    ]


def test_boxes_of_the_very_lines():
    evidence = piece(TEXT)
    start = TEXT.index("The deductible is")
    assert boxes_of(evidence, [(start, start + 5)]) == [[1, 50, 140, 400, 155]]
    assert len(boxes_of(evidence)) == 4


def test_a_figure_is_boxed_whole():
    figure = piece("", kind="image", spans=(), page=4, box=Box(1, 2, 3, 4))
    assert boxes_of(figure) == [[4, 1, 2, 3, 4]]
