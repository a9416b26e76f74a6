from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answers.evidence import (
    Budget,
    balanced,
    choose,
    drop_duplicates,
    estimate_tokens,
    image_tokens,
    join_neighbours,
    numbered,
)
from tests.answers.pieces import lines, piece

LONG = "A sentence of about ten tokens, more or less so.\n" * 40


def test_pieces_are_taken_in_order_while_they_fit():
    pieces = [piece(LONG, number=n) for n in (1, 2, 3)]
    budget = Budget(tokens=2 * pieces[0].tokens + 50)
    assert [p.number for p in choose(pieces, budget)] == [1, 2]


def test_a_smaller_piece_takes_the_room_that_is_left():
    pieces = [piece("Short.", number=1), piece(LONG, number=2), piece("Short too.", number=3)]
    kept = choose(pieces, Budget(tokens=piece(LONG).tokens + 20))
    assert [p.number for p in kept][:1] == [1]
    assert 3 in [p.number for p in kept]


def test_one_huge_piece_is_cut_at_a_line_and_leaves_room_for_others():
    huge = piece(LONG * 20, number=1)
    kept = choose([huge, piece("Short.", number=2)], Budget(tokens=1000))
    assert [p.number for p in kept] == [1, 2]
    assert kept[0].tokens <= 520
    assert huge.text.startswith(kept[0].text)
    assert kept[0].text.endswith("so.")
    assert all(span.end <= len(kept[0].text) for span in kept[0].spans)


@given(
    st.lists(st.text(max_size=400), max_size=8),
    st.integers(min_value=1, max_value=600),
    st.integers(min_value=0, max_value=3),
)
def test_the_budget_is_never_exceeded(texts, tokens, images):
    pieces = [
        piece(text, number=n, crop="x.jpg" if n % 2 else "", crop_size=(900, 300))
        for n, text in enumerate(texts, start=1)
    ]
    budget = Budget(tokens=tokens, images=images, image_pixels=300)
    kept = choose(pieces, budget)
    shown = [p for p in kept if p.shown]
    assert len(shown) <= images
    spent = sum(p.tokens for p in kept) + len(shown) * image_tokens((900, 300), 300)
    assert spent <= tokens


def test_figures_are_shown_while_images_are_left():
    figures = [piece("", kind="image", number=n, caption="c", crop=f"{n}.jpg") for n in (1, 2, 3)]
    assert [p.shown for p in choose(figures, Budget(tokens=3000, images=2))] == [True, True, False]


def test_a_figure_without_any_words_is_nothing_to_a_reader_without_eyes():
    figure = piece("", kind="image", crop="a.jpg")
    assert choose([figure], Budget(tokens=3000)) == []
    assert len(choose([figure], Budget(tokens=3000, images=1))) == 1


def test_chunks_that_follow_each_other_become_one():
    first = piece("One.\nTwo.", number=1, orders=(4, 4))
    other = piece("Else.", number=2, orders=(9, 9))
    second = piece("Three.", number=3, orders=(5, 5))
    joined = join_neighbours([first, other, second])
    assert [p.text for p in joined] == ["One.\nTwo.\nThree.", "Else."]
    assert joined[0].orders == (4, 5)
    assert [joined[0].text[s.start : s.end] for s in joined[0].spans] == ["One.", "Two.", "Three."]


def test_joining_keeps_reading_order_and_the_better_place():
    later = piece("B.", number=1, orders=(5, 5), page=2, spans=lines("B.", page=2))
    earlier = piece("A.", number=2, orders=(4, 4), page=1)
    (joined,) = join_neighbours([later, earlier])
    assert (joined.text, joined.page, joined.number) == ("A.\nB.", 2, 1)
    assert [(s.page, joined.text[s.start : s.end]) for s in joined.spans] == [(1, "A."), (2, "B.")]


@pytest.mark.parametrize(
    "change", [{"document_id": 2}, {"kind": "table"}, {"orders": (6, 6)}, {"orders": (4, 4)}]
)
def test_only_text_that_touches_is_joined(change):
    first = piece("A.", orders=(4, 4))
    assert len(join_neighbours([first, replace(first, **{"orders": (5, 5), **change})])) == 2


def test_a_bridge_joins_both_sides():
    pieces = [piece(t, orders=(o, o)) for t, o in (("A.", 4), ("C.", 6), ("B.", 5))]
    assert [p.text for p in join_neighbours(pieces)] == ["A.\nB.\nC."]


def test_near_duplicates_of_one_source_are_kept_once():
    text = "The fee is 500 dollars a year, to be paid in advance by every member of the club."
    better, same = piece(text, number=1), piece(text.replace("club", "club!"), number=2)
    other_source = piece(text, number=3, source="b" * 64)
    other_number = piece(text.replace("500", "600"), number=4)
    kept = drop_duplicates([better, same, other_source, other_number])
    assert [p.number for p in kept] == [1, 3, 4]


def test_numbers_follow_the_order():
    assert [p.number for p in numbered([piece(number=7), piece(number=3)])] == [1, 2]


def test_tokens_are_estimated_on_the_safe_side():
    english = "The quick brown fox jumps over the lazy dog. " * 10
    assert 100 <= estimate_tokens(english) <= 200
    assert image_tokens((2000, 1000), 1000) == image_tokens((1000, 500), 1000)


def test_the_page_is_shown_where_it_is_wanted_and_only_once():
    facts = {"page_image": "p3.jpg", "page_size": (612.0, 792.0), "wants_page": True}
    pieces = [piece("Read by OCR.", number=n, orders=(n * 9, n * 9), **facts) for n in (1, 2)]
    figure = piece("", kind="image", number=3, caption="c", crop="f.jpg", **facts)
    kept = choose([*pieces, figure], Budget(tokens=9000, images=3))
    assert [p.image for p in kept] == ["p3.jpg", "", ""]
    assert image_tokens(kept[0].image_size, 1000) == pytest.approx(1000 * 773 / 784, rel=0.02)


def test_a_crop_is_shown_where_the_page_does_not_matter():
    table = piece("| a |", kind="table", crop="t.jpg", page_image="p.jpg")
    (kept,) = choose([table], Budget(tokens=3000, images=1))
    assert kept.image == "t.jpg"


def test_documents_take_turns_where_they_are_compared():
    pieces = [piece(str(n), number=n, document_id=1 if n < 4 else 2) for n in range(1, 6)]
    assert [p.number for p in balanced(pieces)] == [1, 4, 2, 5, 3]


def test_what_another_document_repeats_is_numbered_but_costs_little():
    text = "The fee is 500 dollars a year, to be paid in advance by every member of the club."
    first = piece(text)
    copy = piece(text, document_id=2, source="b" * 64)
    other = piece(text.replace("500", "600"), document_id=3, source="c" * 64)
    kept = numbered([first, copy, other])
    assert [p.repeats for p in kept] == [0, 1, 0]
    assert kept[1].tokens > 0
    assert numbered([piece("Too short.", document_id=n) for n in (1, 2)])[1].repeats == 0
