"""Formulas: found and told from money, typeset, harmless, and kept as LaTeX."""

from __future__ import annotations

import re

import nh3
import pytest

from answers import formulas, mathml
from answers.markers import escape_markdown, find_markers
from answers.rendering import Doubt, render_answer, render_blocks, render_passage
from answers.statements import statements


@pytest.mark.parametrize(
    "written",
    [
        "Then $x^2$ follows.",
        r"Then \(x^2\) follows.",
        "Then\n\n$$x^2$$\n\nfollows.",
        "Then\n$$\nx^2\n$$\nfollows.",
        "Then\n\\[\nx^2\n\\]\nfollows.",
        r"Then \[x^2\] follows.",
        "- Then $x^2$\n- follows",
        "| Then | $x^2$ |\n|---|---|\n| a | b |",
        # An amount may stand beside a formula, and a text may end with a digit.
        "$x^2$ costs $5 in 1905",
    ],
)
def test_a_formula_becomes_mathml_that_carries_its_latex(written):
    html = render_answer(written, {1})
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in html
    assert '<annotation encoding="application/x-tex">x^2</annotation>' in html
    assert "x^2" not in re.sub(r"<annotation.*?</annotation>", "", html)


@pytest.mark.parametrize(
    "money",
    [
        "It costs $5 and $10.",
        "Between $5 million and $6 million, or $7/$8.",
        "US$5 and A$6, and 5$ or 6$.",
        "Pay $5 in May, a$ more.",
        "From $100 (was $90), i.e. $10 less; $5-$10 a month.",
        "**$5** or **$10**",
        "Set $HOME/bin and $PATH:$HOME.",
        r"Escaped brackets: \[12\], \[see note\]",
        r"\$x\$ is escaped, `$x$` is code, and \\(this\\) is text.",
    ],
)
def test_money_and_code_are_no_formulas(money):
    assert "<math" not in render_answer(money, {1})


def test_quoted_amounts_are_no_formulas():
    quoted = escape_markdown("From $100 (was $90), i.e. 10$ less [12]")
    assert "<math" not in render_answer(quoted, {1})


def test_a_broken_formula_is_shown_as_it_was_written():
    for latex in (r"\frac{1", "x^", r"\undefined{x}", "{" * 900, "x" * 2001):
        html = mathml.html_of(latex, display=False)
        assert html.startswith('<code class="formula-source">'), latex
        assert nh3.clean_text(latex)[:5] in html or latex[:5] in html


@pytest.mark.parametrize(
    "hostile",
    [
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r"\style{position:fixed}{x}",
        r"\class{doubted}{x}",
        r"\mathrm{<img src=x onerror=alert(1)>}",
        r"x</annotation></semantics></math><script>alert(1)</script>",
    ],
)
def test_a_formula_can_do_nothing(hostile):
    for html in (render_answer(f"$${hostile}$$", {1}), render_passage(f"${hostile}$")):
        assert not re.search(r"<(script|img|a|style)\b|<[^>]*\b(href|style|on\w+)=", html)
        assert 'class="doubted"' not in html


def test_finished_blocks_stay_as_they_are_while_a_formula_grows():
    text = "First $a$.\n\n$$\nb + c\n$$\n\nThen \\[d\n- e\\] and\n\n\\[\nf\n\\]\n\nlast $g$ [1]"
    final = render_blocks(text + ".", {1})
    for length in range(1, len(text)):
        blocks = render_blocks(text[:length], {1})
        assert blocks[:-1] == final[: len(blocks) - 1]


def test_a_paragraph_with_a_formula_after_it_is_said_once():
    assert render_answer("Then\n$$x$$\nand", {1}).count("<math") == 1


def test_what_stands_in_a_formula_is_no_marker():
    assert not list(find_markers("$p \\in [0, 1]$ and $$x[2]$$"))
    assert render_answer("$p \\in [0, 1]$", {1}).count("<button") == 0


def test_a_quote_keeps_its_formulas_and_amounts():
    quoted = escape_markdown("It *is* $a_1 < b_1$ for $5 [3].")
    assert "$a_1 < b_1$ for $5" in quoted
    html = render_answer(quoted, {3})
    assert html.count("<math") == 1
    assert "<button" not in html


def test_passages_show_formulas_and_nothing_else():
    html = render_passage("a <b> *c*\n$x^2$ & $5 and $6")
    assert html.startswith("a &lt;b&gt; *c*\n<math")
    assert html.endswith("&amp; $5 and $6")


def test_exponents_are_not_numbers_that_sources_must_have():
    [said] = statements(r"The energy is $E = m c^2$ and \(v_{12} \leq 7\) [1].")
    assert said.text == "The energy is E = m c and v 7."
    assert said.cited == (1,)


def test_a_formula_of_its_own_is_no_statement():
    found = statements("The energy follows [1].\n\n$$\nE = mc^2. F = ma\n$$\n\nIt is large [2].")
    assert [one.text for one in found] == ["The energy follows.", "It is large."]


def test_a_doubt_around_a_formula_marks_it():
    text = "So $a = b$ holds. No."
    html = render_answer(text, {1}, doubts=[Doubt(0, 17, "not supported", "why")])
    assert '<span class="doubted"><math' in html
    assert html.count("doubt-label") == 1


def test_formulas_stay_latex_where_nothing_can_typeset_them():
    assert render_answer("So $a_1$.", (), typeset=False) == "<p>So <code>a_1</code>.</p>"


def test_finding_gives_what_was_written():
    text = r"$a$, $5, \[b=1\], \[2\] and \(c\)"
    assert [formulas.content(found) for found in formulas.find(text)] == ["a", "b=1", "c"]
    assert len(formulas.blanked(text)) == len(formulas.without_display(text)) == len(text)
