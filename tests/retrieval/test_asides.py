from __future__ import annotations

import pytest

from retrieval import asides

ASKED = "Is the quick ratio of the company improving?"


@pytest.mark.parametrize(
    "aside",
    [
        "Round your answer to two decimal places.",
        "Please write the answer as a float.",
        "If that is not a useful metric for a company like this, then state that and explain why.",
        "If you cannot tell, say so.",
    ],
)
def test_sentences_about_the_answer_are_left_out(aside):
    assert asides.without(f"{ASKED} {aside}") == ASKED
    assert asides.without(f"{aside} {ASKED}") == ASKED


@pytest.mark.parametrize(
    "question",
    [
        "Give me the revenue of 2019. Include the taxes.",
        "If I leave the company, what happens to my shares?",
        "Round your answer to two decimal places.",
        "",
    ],
)
def test_what_is_asked_stays(question):
    assert asides.without(question) == question
