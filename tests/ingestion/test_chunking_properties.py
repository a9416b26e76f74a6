"""What holds for the chunks of any document, counted in the default model's own tokens."""

from __future__ import annotations

import itertools
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.chunking import chunk_document
from ingestion.layout import Block, ChunkDraft, PageContent, context_text
from ingestion.tokenizer import token_counter
from tests.ingestion.page_builders import block, page, stacked

COUNT, LIMIT = token_counter("sentence-transformers/all-MiniLM-L6-v2")
KINDS = st.sampled_from(["text", "text", "list_item", "footnote", "formula"])
# Words that one letter tells from headings, and odd ones: long, foreign, without spaces.
ENDINGS = st.sampled_from(["", "", "", ".", ",", "é", "日本語", "antidisestablishment", "x" * 90])
# Per section: how many words, how they end, and on which page it goes on.
SECTION = st.tuples(st.integers(1, 160), st.lists(ENDINGS, min_size=1, max_size=7), KINDS)
DOCUMENT = st.lists(st.lists(SECTION, min_size=1, max_size=4), min_size=1, max_size=4)


def document(sections: list[list[tuple[int, list[str], str]]]) -> list[PageContent]:
    """Write a heading (words with h) over each list of blocks, no word twice.

    Words of footnotes are marked with n, all others with b.
    """
    number = itertools.count()
    pages = []
    for at, blocks in enumerate(sections, start=1):
        made: list[Block] = [block(f"h{next(number)}h h{next(number)}h", kind="heading", size=14)]
        for words, endings, kind in blocks:
            ends = itertools.cycle(endings)
            mark = "n" if kind == "footnote" else "b"
            said = [f"{mark}{next(number)}{mark}{next(ends)}" for _ in range(words)]
            lines = (" ".join(said[i : i + 9]) for i in range(0, words, 9))
            made.append(block("\n".join(lines), kind=kind))
        pages.append(page(*stacked(made), number=at))
    return pages


def drafts(pages: list[PageContent]) -> list[ChunkDraft]:
    return list(chunk_document(pages, count_tokens=COUNT, max_tokens=LIMIT))


def said(pages: list[PageContent]) -> list[str]:
    lines = (line for one in pages for b in one.blocks for line in b.lines if b.kind != "heading")
    return [word for line in lines for word in line.text.split()]


@settings(max_examples=12, deadline=None)
@given(DOCUMENT)
def test_every_word_of_the_body_is_said_whole_and_in_order(sections) -> None:
    pages = document(sections)
    # A word that no chunk can hold is broken, and "," joins words over lines: marks tell all.
    # Footnotes may move behind the sentence that they interrupt.
    for pattern in (r"b\d+b", r"n\d+n"):
        marks = [mark for text in said(pages) for mark in re.findall(pattern, text)]
        told = [mark for one in drafts(pages) for mark in re.findall(pattern, one.text)]
        assert list(dict.fromkeys(told)) == marks
    everything = "".join("".join(one.text.split()) for one in drafts(pages))
    assert all(text in everything for text in said(pages))


@settings(max_examples=12, deadline=None)
@given(DOCUMENT)
def test_no_chunk_is_longer_than_what_the_model_reads(sections) -> None:
    for one in drafts(document(sections)):
        assert one.token_count == COUNT(context_text(one)) <= LIMIT


@settings(max_examples=12, deadline=None)
@given(DOCUMENT)
def test_headings_are_never_alone_and_embedded_but_not_quoted(sections) -> None:
    pages = document(sections)
    found = drafts(pages)
    assert all(re.sub(r"h\d+h|\s", "", one.text) for one in found)
    for one in found:
        assert not any(heading in one.text for heading in one.heading_path)
        assert context_text(one).startswith(" > ".join(one.heading_path))
    embedded = " ".join(context_text(one) for one in found)
    headings = (b.text for one in pages for b in one.blocks if b.kind == "heading")
    assert all(heading in embedded for heading in headings)


@settings(max_examples=12, deadline=None)
@given(DOCUMENT)
def test_only_neighbours_within_a_section_overlap(sections) -> None:
    found = drafts(document(sections))
    told = [set(re.findall(r"b\d+b", one.text)) for one in found]
    for first, second in itertools.combinations(range(len(found)), 2):
        if told[first] & told[second]:
            assert second == first + 1
            assert found[first].heading_path == found[second].heading_path
