"""Statements held against what they cite; the likeness of meaning is given by each test."""

from __future__ import annotations

import pytest

from answers.verification import Reason, Verdict, check
from tests.answers.pieces import piece

LEAVE = "Employees get 25 days of leave per year. Contoso was founded in 1998 in Bonn."
TABLE = (
    "| Region | 2017 | 2018 |\n| --- | --- | --- |\n| North | 1,210 | 1,334 |\n| South | 7 | 9 |"
)


def alike(pairs):
    return [0.9] * len(pairs)


def unlike(pairs):
    return [0.0] * len(pairs)


def verdicts(answer, *evidence, likeness=alike):
    return [(one.verdict, one.reason) for one in check(answer, evidence, likeness=likeness)]


def test_a_paraphrase_with_the_right_number_is_supported():
    assert verdicts("Every employee gets 25 days of leave [1].", piece(LEAVE)) == [
        (Verdict.SUPPORTED, None)
    ]


def test_a_quote_needs_no_model():
    def never(pairs):
        raise AssertionError("asked for the meaning of a quote")

    answer = "> Employees get 25 days of leave per year. [1]"
    assert verdicts(answer, piece(LEAVE), likeness=never) == [(Verdict.SUPPORTED, None)]


def test_a_wrong_number_is_unsupported_however_alike_the_words():
    (found,) = check("Employees get 28 days of leave [1].", [piece(LEAVE)], likeness=alike)
    assert (found.verdict, found.reason, found.numbers) == (
        Verdict.UNSUPPORTED,
        Reason.NUMBER,
        ("28",),
    )


def test_another_subject_is_unsupported():
    assert verdicts("The cafeteria serves lunch at noon [1].", piece(LEAVE), likeness=unlike) == [
        (Verdict.UNSUPPORTED, Reason.MEANING)
    ]


def test_the_opposite_is_unsupported():
    answer = "Employees do not get 25 days of leave per year [1]."
    assert verdicts(answer, piece(LEAVE)) == [(Verdict.UNSUPPORTED, Reason.CONTRADICTED)]


@pytest.mark.parametrize("answer", ["Contoso is in Bonn [7].", "Contoso is in Bonn [0]."])
def test_what_cites_nothing_that_was_given_is_unsupported(answer):
    assert verdicts(answer, piece(LEAVE)) == [(Verdict.UNSUPPORTED, Reason.UNCITED)]


def test_only_what_is_cited_counts():
    other = piece("The cafeteria is closed.", number=2)
    answer = "Employees get 25 days of leave [2]."
    assert verdicts(answer, piece(LEAVE), other) == [(Verdict.UNSUPPORTED, Reason.NUMBER)]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("North had 1,334 in 2018 [1].", Verdict.SUPPORTED),
        ("North had 1.3 billion in 2018 [1].", Verdict.SUPPORTED),
        ("North had 1,210 in 2018 [1].", Verdict.UNSUPPORTED),
        ("North rose from 1,210 in 2017 to 1,334 in 2018, by 124 [1].", Verdict.SUPPORTED),
        ("North rose from 1,210 in 2017 to 1,334 in 2018, by 10.2% [1].", Verdict.SUPPORTED),
        ("North rose from 1,210 in 2017 to 1,334 in 2018, by 19% [1].", Verdict.UNSUPPORTED),
    ],
)
def test_numbers_of_tables_are_held_to_their_column_scale_and_arithmetic(answer, verdict):
    table = piece(TABLE, kind="table", caption="Sales by region (in millions)")
    assert [one.verdict for one in check(answer, [table], likeness=alike)] == [verdict]


def test_what_rests_on_an_image_is_called_unchecked():
    chart = piece("", kind="image", caption="Sales by region", shown=True)
    assert verdicts("Sales in the north were 1,334 [1].", chart) == [
        (Verdict.UNCHECKED, Reason.IMAGE)
    ]


def test_an_answer_in_another_language_is_called_unchecked_but_its_numbers_count():
    source = piece(LEAVE + " It has offices in the north and the south of the country.")
    german = "Die Mitarbeiter bekommen jedes Jahr 25 Tage Urlaub von der Firma [1]."
    assert verdicts(german, source, likeness=unlike) == [(Verdict.UNCHECKED, Reason.LANGUAGE)]
    wrong = german.replace("25", "30")
    assert verdicts(wrong, source, likeness=unlike) == [(Verdict.UNSUPPORTED, Reason.NUMBER)]


def test_an_enumeration_may_be_counted():
    source = piece("Plans: Northwind Standard, Northwind Plus and PerksPlus are offered.")
    answer = "There are 3 plans offered: Northwind Standard, Northwind Plus and PerksPlus [1]."
    assert verdicts(answer, source) == [(Verdict.SUPPORTED, None)]


# --- what names no source --------------------------------------------------------------------


def test_a_source_is_found_for_what_names_none():
    other = piece("The cafeteria serves lunch at noon.", number=2)
    (found,) = check("Every employee gets 25 days of leave.", [other, piece(LEAVE)], likeness=alike)
    assert (found.verdict, found.reason, found.found) == (Verdict.SUPPORTED, Reason.ATTRIBUTED, 1)


@pytest.mark.parametrize(
    "answer",
    [
        "Employees get 28 days of leave per year.",
        "Employees do not get 25 days of leave per year.",
        "The cafeteria serves lunch at noon.",
    ],
)
def test_what_no_source_says_stays_uncited(answer):
    likeness = alike if "Employees" in answer else unlike
    assert verdicts(answer, piece(LEAVE), likeness=likeness) == [
        (Verdict.UNSUPPORTED, Reason.UNCITED)
    ]


# --- the opposite ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        (
            "Without approval the employee may not be responsible for the cost of the service",
            "If you do not obtain approval, you may be responsible for the cost of the service.",
        ),
        ("The plan covers emergency room visits", "The plan does not cover emergency room visits."),
        ("Revenue in the north rose by 5 %", "Revenue in the north fell by 5 % last year."),
        ("Employees always get their leave paid out", "Employees never get their leave paid out."),
        ("Registration is optional for members", "For members, registration is mandatory."),
    ],
)
def test_what_says_the_opposite_is_contradicted(answer, source):
    assert verdicts(f"{answer} [1].", piece(source)) == [(Verdict.UNSUPPORTED, Reason.CONTRADICTED)]


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("The plan does not cover cosmetic surgery", "Cosmetic surgery is excluded by the plan."),
        ("The plan covers surgery", "The plan covers surgery but does not cover cosmetics."),
        ("The limit is not only 5 days", "The limit is 5 days."),
        ("Costs fell as prices rose", "As prices rose by 5 %, costs were lower."),
        ("There is no fee for members", "Members are admitted free of any fee."),
    ],
)
def test_what_is_said_another_way_is_not_contradicted(answer, source):
    assert verdicts(f"{answer} [1].", piece(source)) == [(Verdict.SUPPORTED, None)]
