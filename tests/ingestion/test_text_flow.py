from ingestion.text_flow import Flow, vocabulary
from tests.ingestion.page_builders import block


def joined(*texts: str, known: str = "") -> str:
    flow = Flow(vocabulary(block(known).lines))
    for text in texts:
        flow.add(block(text), 1)
    return flow.passage().text


def test_a_word_broken_between_lines_is_mended() -> None:
    assert joined("a hyphen-\nated word") == "a hyphenated word"


def test_a_hyphen_that_the_document_writes_elsewhere_stays() -> None:
    assert joined("a long-\nterm view", known="the long-term plan") == "a long-term view"


def test_a_hyphen_before_a_capital_stays() -> None:
    assert joined("the Franco-\nPrussian war") == "the Franco-Prussian war"


def test_blocks_are_paragraphs() -> None:
    assert joined("One ends.", "Two begins.") == "One ends.\nTwo begins."


def test_a_paragraph_goes_on_over_a_page() -> None:
    assert joined("this sentence", "goes on here.") == "this sentence goes on here."


def test_an_item_goes_on_over_a_page() -> None:
    flow = Flow()
    flow.add(block("they do not believe", kind="list_item"), 1)
    flow.add(block("that it will last."), 2)
    assert flow.passage().text == "they do not believe that it will last."


def test_a_name_broken_at_its_hyphen_goes_on_in_the_next_column() -> None:
    assert joined("the evaluator G-", "Eval is used") == "the evaluator G-Eval is used"


def test_chinese_lines_join_without_a_space() -> None:
    assert joined("今天\n天气好") == "今天天气好"


def test_spans_tell_where_each_part_stands() -> None:
    flow = Flow()
    flow.add(block("a hyphen-\nated word", y=100), 3)
    passage = flow.passage()
    assert [(passage.text[s.start : s.end], s.page, s.box.y0) for s in passage.spans] == [
        ("a hyphen", 3, 100),
        ("ated word", 3, 112),
    ]


def test_a_part_keeps_only_its_own_places() -> None:
    flow = Flow()
    flow.add(block("first line\nsecond line"), 1)
    part = flow.passage().part(10, 22)
    assert part.text == "second line"
    assert [(s.start, s.end) for s in part.spans] == [(0, 11)]
