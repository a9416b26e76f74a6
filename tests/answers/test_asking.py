from __future__ import annotations

import pytest

from answers.asking import about_layout, compares, fit, kind_of_answer, pages_named


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


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How much is the PerksPlus reimbursement?", "money"),
        ("How much does the plan cost?", "money"),
        ("What was Adobe's net income in 2022?", "money"),
        ("What percentage of people voted?", "share"),
        ("How many employees work in Lisbon?", "number"),
        ("What is the total number of pages?", "number"),
        ("How much time do I have?", "number"),
        ("When was the company founded?", "date"),
        ("In which year did sales peak?", "date"),
        ("What is the telephone number of the practice?", "phone"),
        ("Which number should I call for help?", "phone"),
        ("What is the fax?", "phone"),
        ("How many phone numbers are there?", "number"),
        ("What is the email address of the dean?", "e-mail"),
        ("What's the e-mail of the dean?", "e-mail"),
        ("What is the email policy?", "anything"),
        ("What is the website of the department?", "site"),
        ("Which website has the forms?", "site"),
        ("When should I call a doctor?", "anything"),
        ("What does a product manager do?", "anything"),
        ("Who signed the report?", "anything"),
    ],
)
def test_the_kind_of_answer(question, kind):
    assert kind_of_answer(question) == kind


def test_what_fits_the_kind_of_answer():
    assert fit("It covers up to $1,000 a year.", "money") == 1.0
    assert fit("| Europe | 3.1 | 2.9 |", "money") == 0.5
    assert fit("PerksPlus, a program of 2023", "money") == -1.0
    assert fit("It rose by 12 %.", "share") == 1.0
    assert fit("It was signed on 4 May.", "date") == 1.0
    assert fit("It was signed.", "date") == -1.0
    assert fit("Twelve people work there.", "number") == 1.0
    assert fit("anything", "anything") == 0.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Telephone: 01983 873655", "phone"),
        ("Call +1 (425) 555-0100 for help.", "phone"),
        ("Fax 514-312-0292", "phone"),
        ("Write to the dean@nus.edu.sg", "e-mail"),
        ("See www.cqc.org.uk for more.", "site"),
        ("It is all on contoso.com/forms", "site"),
    ],
)
def test_addresses_fit_what_is_asked_for(text, kind):
    assert fit(text, kind) == 1.0


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The years 2015-2019 cost $1,000,000 and 12345678 %.", "phone"),
        ("Seen on 2021-02-08, from 08/02/2021.", "phone"),
        ("Revenue 2019 2020 2021 2022", "phone"),
        ("Total 1 234 567", "phone"),
        ("ISBN 978-3-16-148410-0", "phone"),
        ("Mail the form", "e-mail"),
        ("Mail dean@contoso.com the form, e.g. today.", "site"),
    ],
)
def test_what_only_looks_like_an_address_does_not_fit(text, kind):
    assert fit(text, kind) == -1.0
