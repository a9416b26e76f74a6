"""What an answer is worth, on small examples."""

from __future__ import annotations

import pytest

from benchmarks.answer_measures import Outcome, match, summary


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("18.29%", "It was 18.3 % of them [1]."),
        ("0.66", "The ratio is 66% [1]."),
        ("$2,018mn", "Adjusted EBITDA was 2,018 million dollars."),
        ("204", "> 204 examples [3]"),
        ("Yes", "Yes: it does [1]."),
        ("UC Browser", "the uc-browsers' share"),
        ("no leans who are male", "It is no leans who are male."),
    ],
)
def test_an_answer_that_holds_the_known_one(gold, answer):
    assert match(gold, answer) == 1.0


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("10", "There are 11 of them."),
        ("3", "Nothing is said [3]."),
        ("18.29%", "It was 19.3 %."),
        ("Yes", "There is no yes in it."),
        ("Appota", "Instagram"),
    ],
)
def test_an_answer_that_does_not(gold, answer):
    assert match(gold, answer) == 0.0


def test_lists_and_long_texts_count_in_part():
    assert match("['vision', 'bluetooth device']", "Vision is introduced.") == 0.5
    long = "Employees get 25 days of leave in every single year of work."
    assert match(long, "Employees get 25 days") == 0.5


def outcome(**facts):
    known = {
        "answerable": True,
        "refused": False,
        "failed": False,
        "gold_pages": frozenset({("a.pdf", 1), ("a.pdf", 2)}),
        "cited_pages": frozenset({("a.pdf", 1), ("a.pdf", 7)}),
        "match": 1.0,
    }
    return Outcome(**{**known, **facts})


def test_the_summary_counts_both_errors_of_refusing():
    report = summary(
        [
            outcome(statements=3, unsupported=1),
            outcome(refused=True),
            outcome(answerable=False, refused=True, gold_pages=frozenset()),
            outcome(answerable=False, gold_pages=frozenset()),
        ]
    )
    assert report["citation_precision"] == 0.5
    assert report["citation_recall"] == 0.25
    assert report["answer_match"] == 0.5
    assert report["answer_match_all"] == 0.5
    assert report["refusal_precision"] == 0.5
    assert report["refusal_recall"] == 0.5
    assert report["unsupported_flagged"] == 0.3333
