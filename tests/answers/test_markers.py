from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answers.markers import escape_markdown, find_markers, numbers_of, without_markers
from answers.rendering import render_answer


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("It is so [1].", [(1,)]),
        ("It is so [1][12].", [(1,), (12,)]),
        ("It is so [1, 3;4].", [(1, 3, 4)]),
        ("It is so [2-4, 9].", [(2, 3, 4, 9)]),
        ("Es ist so 【7】.", [(7,)]),
        (r"As in \[12\].", []),
        ("In [2018] and [] and [a1]", []),
    ],
)
def test_finds_markers(text, numbers):
    assert [marker.numbers for marker in find_markers(text)] == numbers


def test_a_huge_range_is_cut():
    assert len(numbers_of("[1-999]")) == 21


def test_takes_markers_out_with_the_space_before():
    assert without_markers("It is so [1][2]. Then [3], too.") == "It is so. Then, too."


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])))
def test_escaped_text_holds_no_marker_and_renders_as_text(text):
    escaped = escape_markdown(text)
    assert not list(find_markers(escaped))
    html = render_answer(escaped, {1})
    assert "<button" not in html
    for tag in ("<ul", "<ol", "<h1", "<blockquote", "<strong", "<em>", "<code", "<table"):
        assert tag not in html
