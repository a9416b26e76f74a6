from __future__ import annotations

import pytest

from answers.asking import about_layout, compares, pages_named


@pytest.mark.parametrize(
    "question",
    [
        "Compare the leave of both plans.",
        "How do Standard and Plus differ?",
        "Is revenue higher in 2019 than in 2018?",
        "What changed between the first and the second edition?",
    ],
)
def test_comparisons(question):
    assert compares(question)


def test_a_plain_question_compares_nothing():
    assert not compares("How much leave do employees get?")


def test_questions_about_the_look_of_a_page():
    assert about_layout("What colour is the logo on the cover?")
    assert about_layout("How many bars has the chart on page 7?")
    assert not about_layout("How much leave do employees get?")
    assert pages_named("On page 7 and slide 12, not in 2019") == {"7", "12"}
