import pytest

from ingestion.captions import attach, label_of, labels_in, line_above, references
from tests.ingestion.page_builders import block


@pytest.mark.parametrize(
    ("caption", "label"),
    [
        ("Figure 3: Sales", ("figure", "3")),
        ("Fig. 2.1 Setup", ("figure", "2.1")),
        ("TABLE A-1", ("table", "a-1")),
        ("Sales by region", None),
        ("The Figure 3", None),
    ],
)
def test_reads_the_label_of_a_caption(caption: str, label: tuple[str, str] | None) -> None:
    assert label_of(caption) == label


def test_finds_every_figure_that_a_sentence_names() -> None:
    sentence = "As Figures 2 and 3 and Table 4 show, Fig. 10 differs."
    assert labels_in(sentence) == {
        ("figure", "2"),
        ("figure", "3"),
        ("figure", "10"),
        ("table", "4"),
    }


def test_collects_the_sentences_by_label() -> None:
    assert references(["See Figure 1.", "Nothing.", "Figure 1 again."]) == {
        ("figure", "1"): ["See Figure 1.", "Figure 1 again."]
    }


def test_a_caption_goes_to_the_nearest_figure_of_its_kind() -> None:
    blocks = [
        block("", kind="picture", y=100),
        block("Figure 1: above", kind="caption", y=114),
        block("Table 1: below", kind="caption", y=128),
        block("", kind="table", y=142),
    ]
    assert attach(blocks) == {0: [1], 3: [2]}


def test_text_that_begins_like_a_caption_is_one() -> None:
    blocks = [block("", kind="picture"), block("Figure 2. A view", y=114)]
    assert attach(blocks) == {0: [1]}


def test_a_sentence_about_a_figure_is_no_caption() -> None:
    blocks = [block("", kind="picture"), block("Figure 2 shows a view.", y=114)]
    assert attach(blocks) == {}


def test_the_line_above_a_table_is_its_title() -> None:
    blocks = [
        block("A paragraph that ends long before.", y=60),
        block("(in millions)", y=136),
        block("", kind="table", y=150),
    ]
    assert line_above(blocks, 2) == [1]
