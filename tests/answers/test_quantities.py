"""Numbers with units and scales, as an answer and a source write them."""

from __future__ import annotations

import pytest

from answers.quantities import agree, quantities, scale_of


def one(text):
    (found,) = quantities(text)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1.2 billion", 1.2e9),
        ("1,234.5", 1234.5),
        ("a loss of (1,234)", -1234),
        ("−3.2%", -3.2),
        ("€ 95.5k", 95500),
        ("twelve rules", 12),
        ("1’200’000", 1_200_000),
        ("0,75 Prozent", 0.75),
        ("1.234.567,8", 1_234_567.8),
    ],
)
def test_numbers_are_read_with_their_scale(text, value):
    assert one(text).value == pytest.approx(value)


def test_parts_of_names_are_no_numbers():
    assert quantities("port P1.1 of Q3") == []


@pytest.mark.parametrize(
    ("claim", "source", "scale"),
    [
        ("1.2 billion", "1,234", 1e6),
        ("$1,234 million", "1,234", 1e6),
        ("1,234", "1,234.0", 1),
        ("a decline of 3.2%", "(3.2)%", 1),
        ("66%", "0.66", 1),
        ("0.12", "12 %", 1),
        ("3.1", "3.14", 1),
        ("two plans", "2", 1),
    ],
)
def test_the_same_said_otherwise_agrees(claim, source, scale):
    assert agree(one(claim), one(source), scale=scale)


@pytest.mark.parametrize(
    ("claim", "source", "scale"),
    [
        ("1.2 billion", "1,334", 1e6),
        ("1,234 million", "1,234 thousand", 1),
        ("13", "12", 1),
        ("1,235", "1,234", 1),
        ("2018", "2017", 1),
        ("3.2%", "3.6%", 1),
        ("12%", "1.2%", 1),
    ],
)
def test_another_number_does_not(claim, source, scale):
    assert not agree(one(claim), one(source), scale=scale)


@pytest.mark.parametrize(
    ("caption", "scale"),
    [
        ("Balance sheet (in millions of USD)", 1e6),
        ("$ in thousands", 1e3),
        ("USD (000)", 1e3),
        ("Revenue (€ bn)", 1e9),
        ("Seats in the house", 1),
    ],
)
def test_captions_say_the_scale(caption, scale):
    assert scale_of(caption) == scale


def test_a_closing_bracket_is_no_part_of_a_number():
    text = "the rest (about 12) stays"
    assert text[one(text).start : one(text).end] == "12"
