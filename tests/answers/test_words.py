from __future__ import annotations

import pytest

from answers.words import (
    content_words,
    kin,
    numbers,
    plain_number,
    stem,
    telling_directions,
)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("1,250.00", "1250"),
        ("1,250,000", "1250000"),
        ("3.50", "3.5"),
        ("3,5", "3.5"),
        ("007", "7"),
        ("0.0", "0"),
        ("12.", "12"),
    ],
)
def test_numbers_are_compared_without_their_dress(written, plain):
    assert plain_number(written) == plain


def test_finds_numbers_beside_units():
    assert numbers("It cost $1,250.50 (up 12%) in FY2018.") == {"1250.5", "12", "2018"}


def test_stopwords_carry_nothing():
    assert content_words("What is the cost of a health plan?") == ["cost", "health", "plan"]


def test_a_possessive_ending_is_no_part_of_a_name():
    asked = "What's CONTOSO'S or Adobe’s view of the employees' time?"
    assert content_words(asked) == ["CONTOSO", "Adobe", "view", "employees", "time"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("benefits", "benefit"), ("policies", "policy"), ("covered", "covers"), ("Costs", "cost")],
)
def test_endings_do_not_count(one, other):
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("one", "other", "are_kin"),
    [
        ("north", "northern", True),
        ("employ", "employment", True),
        ("europ", "european", True),
        ("fund", "fundamental", False),
        ("car", "card", False),
        ("2018", "2018s", False),
    ],
)
def test_kin_differ_by_an_ending(one, other, are_kin):
    assert kin(one, other) == kin(other, one) == are_kin


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hold the Down button", {"down"}),
        ("an off state, or the on state", {"off", "on"}),
        ("Slow down in the morning, and turn it off.", set()),
    ],
)
def test_a_direction_before_a_thing_tells_which_it_is(text, told):
    assert telling_directions(text) == told
