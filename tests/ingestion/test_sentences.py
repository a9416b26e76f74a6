from hypothesis import given
from hypothesis import strategies as st

from ingestion.sentences import sentence_ranges


def sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in sentence_ranges(text)]


def test_references_do_not_end_a_sentence() -> None:
    text = "See Eq. (2) and Fig. 3 in Sec. 4. It holds."
    assert sentences(text) == ["See Eq. (2) and Fig. 3 in Sec. 4.", "It holds."]


def test_a_line_break_ends_a_sentence() -> None:
    assert sentences("A heading\nA sentence. Another.") == [
        "A heading",
        "A sentence.",
        "Another.",
    ]


def test_the_number_of_an_item_stays_with_it() -> None:
    text = (
        "27. It denies that. (b) It admits the rest.\niv. Nothing more. It was in 1998. So it is."
    )
    assert sentences(text)[0] == "27. It denies that."
    assert sentences(text)[-3:] == ["iv. Nothing more.", "It was in 1998.", "So it is."]


def test_chinese_sentences_are_told_apart() -> None:
    assert sentences("你好。世界。") == ["你好。", "世界。"]


@given(st.text())
def test_ranges_cover_the_text_in_order(text: str) -> None:
    ranges = sentence_ranges(text)
    assert "".join(text[start:end] for start, end in ranges) == text
    assert all(end > start for start, end in ranges)
