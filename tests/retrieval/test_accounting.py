from __future__ import annotations

import pytest

from retrieval.accounting import words_for


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What is the FY2019 quick ratio?", {"balance", "inventories", "receivables"}),
        ("Did the operating margin improve?", {"operating", "income", "sales"}),
        ("What does the balance sheet say of PP&E?", {"balance", "plant", "equipment"}),
        ("How much was spent on capex in 2020?", {"cash", "purchases", "equipment"}),
        ("fixed-asset turnover in 2020", {"plant", "sales"}),
        ("What is the DPO?", {"payable", "inventories"}),
        ("According to the income statement, what are COGS?", {"operations", "goods"}),
    ],
)
def test_a_measure_is_looked_up_by_what_it_is_made_of(question, words):
    assert words <= set(words_for(question).split())


@pytest.mark.parametrize(
    "question",
    ["", "How many days of leave are there?", "What do the R and D of the alphabet stand for?"],
)
def test_other_questions_stay_as_they_are(question):
    assert words_for(question) == ""


def test_each_word_is_looked_up_once():
    words = words_for("ROA, ROE, asset turnover and gross margin").split()
    assert len(words) == len(set(words))


def test_the_turnover_of_fixed_assets_is_not_that_of_all():
    assert "assets" not in words_for("What is the fixed asset turnover?").split()
