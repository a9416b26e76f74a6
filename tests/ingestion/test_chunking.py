import itertools
import re
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.chunking import chunk_document
from ingestion.layout import Block, Box, ChunkDraft, Table, TableCell, context_text
from ingestion.models import Chunk
from tests.ingestion.page_builders import block, page, stacked, word_count


def chunks(*blocks: Block, max_tokens: int = 60) -> list[ChunkDraft]:
    return list(
        chunk_document([page(*stacked(blocks))], count_tokens=word_count, max_tokens=max_tokens)
    )


def grid(rows: int, *, columns: int = 2) -> Table:
    cells = [
        TableCell(row, column, f"r{row}c{column}", Box(column * 50, row * 10, 40, row * 10 + 8))
        for row in range(rows)
        for column in range(columns)
    ]
    return Table(rows=rows, columns=columns, cells=tuple(cells))


def heading(text: str, size: float = 14.0) -> Block:
    return block(text, kind="heading", size=size)


def test_text_carries_its_headings() -> None:
    found = chunks(heading("Report", 20), heading("Risks"), block("Prices may fall."))
    assert [(c.heading_path, c.text) for c in found] == [(("Report", "Risks"), "Prices may fall.")]


def test_a_heading_with_nothing_under_it_is_not_lost() -> None:
    found = chunks(heading("Report", 20), block("Text."), heading("The end", 20))
    assert "The end" in " ".join(c.text for c in found)


def test_two_lines_of_one_heading_are_one() -> None:
    found = chunks(heading("Item 7."), heading("Management's discussion"), block("We did well."))
    assert found[0].heading_path == ("Item 7. Management's discussion",)


def test_small_neighbours_under_one_heading_are_one_chunk() -> None:
    found = chunks(
        heading("Questions", 20),
        heading("When?"), block("Now."),
        heading("Where?"), block("Here."),
    )  # fmt: skip
    assert [(c.heading_path, c.text) for c in found] == [
        (("Questions",), "When?\nNow.\nWhere?\nHere.")
    ]


def test_headings_that_become_text_stand_on_lines_of_their_own() -> None:
    (found,) = chunks(
        heading("Manual", 20),
        heading("Watch", 17), heading("Strap"), block("Pull it."),
        heading("Phone", 17), heading("Lid"), block("Push it."),
    )  # fmt: skip
    assert found.heading_path == ("Manual",)
    assert found.text == "Watch\nStrap\nPull it.\nPhone\nLid\nPush it."
    assert [found.text[span.start : span.end] for span in found.spans] == found.text.split("\n")


def test_sections_without_a_common_heading_stay_apart() -> None:
    assert len(chunks(heading("One"), block("First."), heading("Two"), block("Second."))) == 2


def test_long_text_is_cut_within_the_limit_and_overlaps() -> None:
    text = " ".join(f"This is sentence {n} of many." for n in range(30))
    found = chunks(heading("Long story"), block(text))
    assert len(found) > 2
    assert all(word_count(context_text(c)) <= 60 for c in found)
    assert all(c.token_count == word_count(context_text(c)) for c in found)
    said_again = [
        before.text.split(". ")[-1] in after.text for before, after in itertools.pairwise(found)
    ]
    assert all(said_again)


def test_page_headers_and_footers_are_left_out() -> None:
    found = chunks(
        block("Acme", kind="page_header"), block("Body."), block("7", kind="page_footer")
    )
    assert [c.text for c in found] == ["Body."]


def test_a_figure_has_its_caption_inner_text_and_references() -> None:
    picture = block("Q1\nQ2", kind="picture")
    caption = block("Figure 3: Sales by quarter", kind="caption")
    text = block("Sales rose, as Figure 3 shows. Costs did not.")
    image, body = sorted(chunks(picture, caption, text), key=lambda c: c.kind)
    assert (image.kind, image.text, image.caption) == (
        "image", "Q1\nQ2", "Figure 3: Sales by quarter",
    )  # fmt: skip
    assert image.references == "Sales rose, as Figure 3 shows."
    assert body.text == "Sales rose, as Figure 3 shows. Costs did not."


def test_a_figure_comes_where_it_stands_in_the_text() -> None:
    picture = block("", kind="picture")
    kinds = [c.kind for c in chunks(heading("A"), block("x."), picture, heading("B"), block("y."))]
    assert kinds == ["text", "image", "text"]


def test_a_long_table_is_cut_between_rows_and_repeats_its_header() -> None:
    table = block("cells", kind="table", table=grid(40))
    found = chunks(heading("Data"), table)
    assert len(found) > 2
    assert all(c.text.startswith("| r0c0 | r0c1 |\n| --- | --- |") for c in found)
    assert all(word_count(context_text(c)) <= 60 for c in found)
    rows = [line for c in found for line in c.text.split("\n")[2:]]
    assert rows == [f"| r{n}c0 | r{n}c1 |" for n in range(1, 40)]


def test_a_tables_spans_tell_where_each_row_stands() -> None:
    (found,) = chunks(block("cells", kind="table", table=grid(3)))
    last = found.spans[-1]
    assert found.text[last.start : last.end] == "| r2c0 | r2c1 |"
    assert last.box.y0 == 20


def test_the_line_above_a_table_is_found_with_it_and_in_the_text() -> None:
    text, table = block("Sales (in millions)", width=300), block("x", kind="table", table=grid(3))
    found = chunks(text, table)
    assert [(c.kind, c.caption, c.text[:5]) for c in found] == [
        ("text", "", "Sales"),
        ("table", "Sales (in millions)", "| r0c"),
    ]


def test_the_context_is_what_the_stored_chunk_says_it_is() -> None:
    draft = ChunkDraft(
        "image", 1, Box(0, 0, 1, 1), "inner", heading_path=("A", "B"), caption="c", references="r"
    )
    stored = Chunk(text="inner", heading_path=["A", "B"], caption="c", references="r")
    assert context_text(draft) == stored.context_text


def test_a_picture_shown_twice_is_one_chunk() -> None:
    pictures = [
        block("", kind="picture", y=y, fingerprint="00ff00ff00ff00ff") for y in (200.0, 400.0)
    ]
    found = chunk_document([page(*pictures)], count_tokens=word_count, max_tokens=60)
    assert len(list(found)) == 1


WORDS = st.from_regex(r"[a-g]{1,8}\.?", fullmatch=True)
LINES = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)
BLOCKS = st.builds(
    lambda lines, kind: block("\n".join(lines), kind=kind),
    st.lists(LINES, min_size=1, max_size=6),
    st.sampled_from(["text", "list_item", "footnote", "heading", "formula"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(BLOCKS, max_size=6), max_size=4), st.integers(20, 80))
def test_every_character_of_the_body_is_in_some_chunk_in_order(
    layout: list[list[Block]], max_tokens: int
) -> None:
    pages = [page(*stacked(blocks), number=n) for n, blocks in enumerate(layout, start=1)]
    drafts = list(chunk_document(pages, count_tokens=word_count, max_tokens=max_tokens))
    assert all(word_count(context_text(draft)) <= max_tokens for draft in drafts)
    told = "".join(_letters(" ".join(draft.heading_path) + draft.text) for draft in drafts)
    for blocks in layout:
        for one in blocks:
            if one.kind != "heading":
                for line in one.lines:
                    assert all(_letters(word) in told for word in line.text.split())
    spoken = "".join(_letters(draft.text) for draft in drafts)
    # A footnote may be told after the sentence that goes on overleaf.
    for kinds in ({"footnote"}, {"text", "list_item", "formula"}):
        body = "".join(
            _letters(one.text) for blocks in layout for one in blocks if one.kind in kinds
        )
        remaining = iter(spoken)
        assert all(letter in remaining for letter in body)


@given(st.lists(BLOCKS, min_size=1, max_size=6))
def test_spans_follow_the_text_and_point_into_the_page(blocks: list[Block]) -> None:
    for draft in chunk_document([page(*stacked(blocks))], count_tokens=word_count, max_tokens=40):
        assert draft.text
        assert [span.start for span in draft.spans] == sorted(span.start for span in draft.spans)
        assert all(0 <= span.start < span.end <= len(draft.text) for span in draft.spans)


def _letters(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_a_table_over_two_pages_keeps_its_caption_and_header() -> None:
    caption = block("Table 1: Sales", kind="caption", y=586)
    first = page(caption, block("x", kind="table", y=600, table=grid(3)), number=1)
    rest = grid(2)
    renamed = tuple(replace(cell, text=f"s{cell.text}") for cell in rest.cells)
    second = page(block("x", kind="table", y=60, table=replace(rest, cells=renamed)), number=2)
    _, found = chunk_document([first, second], count_tokens=word_count, max_tokens=60)
    assert (found.page, found.caption) == (2, "Table 1: Sales")
    assert found.text.split("\n")[0] == "| r0c0 | r0c1 |"
    assert found.text.split("\n")[2:] == ["| sr0c0 | sr0c1 |", "| sr1c0 | sr1c1 |"]


def test_a_heading_over_headings_of_its_size_is_kept_with_them() -> None:
    stacked_page = page(
        block("Note 5", kind="heading", y=100, size=14),
        block("Acquisitions", kind="heading", y=160, size=14),
        block("We bought a plant.", y=200),
    )
    found = list(chunk_document([stacked_page], count_tokens=word_count, max_tokens=60))
    assert [draft.text for draft in found] == ["We bought a plant."]
    assert found[0].heading_path == ("Note 5", "Acquisitions")


def test_a_chart_is_found_by_the_line_above_and_the_note_below() -> None:
    found = chunks(
        block("% who identify as independent"),
        block("", kind="picture", image="crop-1", fingerprint="0" * 16),
        block("Source: Survey of adults, 2018"),
        block("Text goes on."),
    )
    (picture,) = [draft for draft in found if draft.kind == "image"]
    assert "% who identify" in picture.caption
    assert "Survey of adults" in picture.caption


def test_a_footnote_does_not_cut_the_sentence_that_goes_on_overleaf() -> None:
    first = page(
        block("This sentence goes", y=600), block("1 A note.", kind="footnote", y=700), number=1
    )
    second = page(block("on overleaf. It ends.", y=80), number=2)
    (found,) = chunk_document([first, second], count_tokens=word_count, max_tokens=60)
    assert found.text == "This sentence goes on overleaf. It ends.\n1 A note."


def test_pages_are_not_mixed_unless_a_sentence_goes_on() -> None:
    slides = [
        page(block("Engines"), block("Four cylinders."), number=1),
        page(block("Pumps"), block("Two valves. It is driven by"), number=2),
        page(block("the camshaft."), number=3),
    ]
    found = list(chunk_document(slides, count_tokens=word_count, max_tokens=60))
    assert [draft.text for draft in found] == [
        "Engines\nFour cylinders.",
        "Pumps\nTwo valves. It is driven by the camshaft.",
    ]
    assert [{span.page for span in draft.spans} for draft in found] == [{1}, {2, 3}]
