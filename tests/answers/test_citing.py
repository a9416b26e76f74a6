from __future__ import annotations

import pytest

from answers.readers.citing import Plainly

GIVEN = {1, 2, 3}


def rewritten(pieces) -> str:
    citing = Plainly(GIVEN)
    return "".join([*(citing.take(piece) for piece in pieces), citing.rest()])


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("It is so [1].", "It is so [1]."),
        ("It is so [1, 2][3].", "It is so [1, 2][3]."),
        ("It is so (source 1).", "It is so [1]."),
        ("It is so (see Sources 1 and 2).", "It is so [1][2]."),
        ("It is so [Source 2, p. 4].", "It is so [2]."),
        ("It is so [source 1, source 3].", "It is so [1][3]."),
        ("It is so [Source: 1].", "It is so [1]."),
        ("It is so [1, page 3].", "It is so [1]."),
        ("It is so (refs. 1–3).", "It is so [1][2][3]."),
        ("It is so【1】 and 【2†report.pdf】.", "It is so[1] and [2]."),
        ("It is so.^1 It costs 5 dollars^2.", "It is so.[1] It costs 5 dollars[2]."),
        ("It is so [^1] or <sup>2</sup>.", "It is so [1] or [2]."),
        ("Source 1 says it; according to source 2, no.",
         "Source [1] says it; according to source [2], no."),
        ("Quelle 1 sagt es (Quelle 2).", "Quelle [1] sagt es [2]."),
        ('It is so <source n="1">.', "It is so [1]."),
        # To a source that was not given: it will be shown as such.
        ("It is so (source 9).", "It is so [9]."),
    ],
)  # fmt: skip
def test_every_way_of_citing_becomes_the_plain_one(written, plain):
    assert rewritten([written]) == plain
    # Wherever the stream is cut.
    assert rewritten(written) == plain


@pytest.mark.parametrize(
    "text",
    [
        "An area of 5 m^2, 10^6 and x^2; dollars^9.",
        "The source 2018 and source 9 and open source 3.5.",
        "Resources 1 and a source 5 million people use.",
        "`(source 1)` and $x^2 (source 1)$ and \\(y^{2}. (source 1)\\)",
        "```\n(source 1)\n```",
        "It costs $5 and $10, as said [1].",
    ],
)
def test_what_only_looks_like_a_citation_stays(text):
    assert rewritten([text]) == text
    assert rewritten(text) == text


def test_only_what_may_become_a_citation_waits():
    citing = Plainly(GIVEN)
    assert citing.take("The fee is 5 dollars. ") == "The fee is 5 dollars. "
    assert citing.take("The so") == "The "
    assert citing.take("il is wet.") == "soil is wet."
    assert citing.take("(source") == ""
    assert citing.take(" 1) and then some") == "[1] and then some"
    assert citing.take(" sources of energy") == " sources of energy"
