from __future__ import annotations

import pytest

from answers.followups import standalone

EARLIER = ["What was the net revenue of Contoso in 2018?"]


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        ("And in 2019?", "And in 2019? (net revenue Contoso 2018)"),
        ("What about its profit?", "What about its profit? (net revenue Contoso 2018)"),
        ("Why?", "Why? (net revenue Contoso 2018)"),
        (
            "Who founded the company Northwind Traders?",
            "Who founded the company Northwind Traders?",
        ),
    ],
)
def test_a_question_that_leans_on_the_last_borrows_its_words(question, searched):
    assert standalone(question, EARLIER) == searched


def test_the_first_question_stands_as_it_is():
    assert standalone("Why?", []) == "Why?"


def test_a_chain_of_leaning_questions_reaches_back_to_one_that_stands():
    earlier = ["How long is the warranty of the Honor watch?", "And of its strap?"]
    assert standalone("Does it cover water?", earlier) == (
        "Does it cover water? (strap long warranty Honor watch)"
    )
