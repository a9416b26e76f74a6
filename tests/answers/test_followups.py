from __future__ import annotations

import pytest

from answers.followups import own, standalone

EARLIER = ["What was the net revenue of Contoso in 2018?"]


@pytest.mark.parametrize(
    ("question", "searched"),
    [
        ("And in 2019?", "What was the net revenue of Contoso in 2019?"),
        ("and 2019", "What was the net revenue of Contoso in 2019?"),
        ("What about Adobe?", "What was the net revenue of Adobe in 2018?"),
        ("And for Adobe Systems in 2019?", "What was the net revenue of Adobe Systems in 2019?"),
        # Not one thing for another: the words are added, but not the year that is another now.
        ("And the profit in 2019?", "And the profit in 2019? (net revenue Contoso)"),
        ("And in 2019 and 2020?", "And in 2019 and 2020? (net revenue Contoso)"),
        ("What about its profit?", "What about its profit? (net revenue Contoso 2018)"),
        ("Why?", "Why? (net revenue Contoso 2018)"),
        ("How much is net?", "How much is net? (revenue Contoso 2018)"),
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


def test_a_chain_of_exchanges_keeps_what_was_exchanged():
    assert standalone("And in 2019?", [*EARLIER, "What about Adobe?"]) == (
        "What was the net revenue of Adobe in 2019?"
    )


def test_of_two_names_none_is_taken_for_the_other():
    earlier = ["Does Contoso pay Northwind in 2018?"]
    assert standalone("What about Adobe?", earlier) == (
        "What about Adobe? (Contoso pay Northwind 2018)"
    )


@pytest.mark.parametrize(
    "question",
    [
        "What does PerksPlus cover that has to do with stress?",
        "How many employees are there in Lisbon and Ghent?",
        "Which plans cost more than 100 dollars?",
        "What animal is at the beach?",
        "What is Fabrikam's mission?",
    ],
)
def test_a_question_that_stands_alone_is_searched_as_it_is(question):
    assert standalone(question, EARLIER) == question


@pytest.mark.parametrize(
    ("question", "searched", "about"),
    [
        (
            "And what are its values?",
            "And what are its values? (mission)",
            "And what are its values?",
        ),
        (
            "What about dental care?",
            "What about dental care? (vision)",
            "What about dental care? (vision)",
        ),
        ("Why?", "Why? (mission)", "Why? (mission)"),
        ("And in 2019?", "What was the revenue in 2019?", "What was the revenue in 2019?"),
        ("How was it in 2019?", "How was it in 2019? (leave)", "How was it in 2019? (leave)"),
        ("What is the mission?", "What is the mission?", "What is the mission?"),
    ],
)
def test_a_question_that_asks_for_something_is_about_its_own_words(question, searched, about):
    assert own(question, searched) == about
