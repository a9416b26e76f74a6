from hypothesis import given
from hypothesis import strategies as st

from ingestion.layout import Box
from ingestion.reading_order import reading_order


def order(boxes: dict[str, tuple[float, float, float, float]]) -> str:
    names = list(boxes)
    return "".join(names[i] for i in reading_order([Box(*boxes[name]) for name in names]))


def test_two_columns_under_a_title_are_read_one_after_the_other() -> None:
    boxes = {
        "d": (310, 300, 540, 500),
        "T": (72, 50, 540, 80),
        "a": (72, 100, 300, 280),
        "c": (310, 100, 540, 290),
        "b": (72, 300, 300, 500),
    }
    assert order(boxes) == "Tabcd"


def test_a_figure_over_both_columns_parts_them() -> None:
    boxes = {
        "a": (72, 100, 300, 280),
        "b": (310, 100, 540, 280),
        "F": (72, 300, 540, 420),
        "c": (72, 440, 300, 600),
        "d": (310, 440, 540, 600),
    }
    assert order(boxes) == "abFcd"


def test_three_cards_of_a_slide_are_read_card_by_card() -> None:
    cards = {
        "a": (50, 100, 200, 120),
        "b": (50, 130, 200, 300),
        "c": (250, 100, 400, 120),
        "d": (250, 130, 400, 280),
        "e": (450, 100, 600, 120),
        "f": (450, 130, 600, 300),
    }
    assert order(cards) == "abcdef"


def test_boxes_that_touch_are_still_above_each_other() -> None:
    assert order({"b": (72, 119, 300, 140), "a": (72, 100, 300, 120)}) == "ab"


@given(
    st.lists(
        st.tuples(*[st.floats(0, 500)] * 2, *[st.floats(1, 300)] * 2).map(
            lambda t: Box(t[0], t[1], t[0] + t[2], t[1] + t[3])
        ),
        max_size=25,
    )
)
def test_every_box_comes_once(boxes: list[Box]) -> None:
    assert sorted(reading_order(boxes)) == list(range(len(boxes)))
