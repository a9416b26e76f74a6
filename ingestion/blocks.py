"""A page as it was read, into the blocks that a person sees, in reading order."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median

from ingestion.formulas import latex_lines
from ingestion.layout import Block, BlockKind, Box, Line
from ingestion.lines import bounding_box, build_lines, prevailing_size
from ingestion.raw_page import RawPage, Region, Word
from ingestion.reading_order import reading_order
from ingestion.regions import share_out, tidy
from ingestion.tables import build_table

# Words that no region holds join into one block across gaps up to this many line heights.
STRAY_GAP = 0.9
# An icon in a line is at most this wide, with the white beside it, in font sizes. What stands
# on one line has its baseline (and its size) at the same height to this many points.
ICON = 2.0
SAME_BASELINE = 1.0
PARAGRAPHS: tuple[BlockKind, ...] = ("text", "list_item")
# Footnotes are set in letters at most this large, as a share of the text's, in the lower part
# of the page, from this share of its height on.
SMALL_PRINT, LOWER_PART = 0.87, 0.5
_MARK = re.compile(r"(?:\d{1,3}|[*†‡§¶]+)\s*(?:https?:|[^\W\d_]{2})")


def build_blocks(page: RawPage, *, outline: Mapping[str, int]) -> tuple[Block, ...]:
    """Make blocks of the page's regions and of the text that stands outside of them.

    `outline` tells the level of headings by their text.
    """
    regions = tidy(page)
    shares, strays = share_out(page.words, regions)
    _rejoin(regions, shares)
    blocks = [
        block
        for region, words in zip(regions, shares, strict=True)
        if (block := _block(region, words, outline)) is not None
    ]
    blocks += [_stray_block(words) for words in _stray_groups(strays)]
    return _in_order(_with_footnotes(blocks, page.height))


def _rejoin(regions: Sequence[Region], shares: list[list[Word]]) -> None:
    """Give the rest of a line back to the paragraph it was cut from.

    An icon within a line makes the layout model take what follows it for text of its own.
    """
    for index, rest in enumerate(shares):
        if regions[index].kind != "text" or not rest or not rest[0].text[:1].islower():
            continue
        for other, words in enumerate(shares):
            if other != index and regions[other].kind in PARAGRAPHS and _cut_from(words, rest):
                words.extend(rest)
                rest.clear()
                break


def _cut_from(words: Sequence[Word], rest: Sequence[Word]) -> bool:
    """Tell whether `rest`, a single line, goes on right after words on the same baseline."""
    first = rest[0]
    if any(abs(word.origin - first.origin) > SAME_BASELINE for word in rest):
        return False
    return any(
        abs(word.origin - first.origin) < SAME_BASELINE
        and abs(word.size - first.size) < SAME_BASELINE
        and 0 < first.box.x0 - word.box.x1 < ICON * word.size
        and not word.text.endswith((".", ":", ";", "!", "?"))
        for word in words
    )


def _block(region: Region, words: list[Word], outline: Mapping[str, int]) -> Block | None:
    lines = build_lines(words)
    if not lines and region.kind != "picture":
        # A formula or table without text may be a drawing of one.
        if region.kind not in ("table", "formula"):
            return None
        return Block(kind="picture", box=region.box)
    if (written := _formula(region, words)) is not None:
        return written
    table = None
    if region.kind == "table":
        table = build_table(words, region.box, rows=region.rows, columns=region.columns)
    box = bounding_box(line.box for line in lines) if lines else region.box
    if region.kind in ("picture", "table"):
        box = box | region.box
    text = " ".join(line.text for line in lines)
    return Block(
        kind=region.kind,
        box=box,
        lines=lines,
        level=_outline_level(text, outline) if region.kind in ("title", "heading") else None,
        table=table,
        font_size=prevailing_size(words),
    )


def _formula(region: Region, words: list[Word]) -> Block | None:
    """Make a formula of a region that is one, or looks like one; None if it does not."""
    if region.kind not in ("formula", "text", "picture"):
        return None
    found = latex_lines(words, certain=region.kind == "formula")
    if found is None:
        return None
    return Block(
        kind="formula",
        box=bounding_box(box for _, box in found),
        lines=tuple(Line(_marked(latex), box) for latex, box in found),
        font_size=prevailing_size(words),
    )


def _marked(latex: str) -> str:
    """Mark LaTeX as what it is, for whoever renders or reads it; a dollar sign in it forbids it."""
    return latex if "$" in latex else f"$${latex}$$"


def _outline_level(text: str, outline: Mapping[str, int]) -> int | None:
    wanted = _plain(text)
    for title, level in outline.items():
        if wanted and _plain(title) == wanted:
            return level
    return None


def _plain(text: str) -> str:
    """Only letters, lower case: outlines seldom agree with the page on spaces and numbers."""
    return re.sub(r"[\W\d_]+", "", text).lower()


def _stray_groups(words: Sequence[Word]) -> list[list[Word]]:
    """Group words outside of every region by nearness, in the file's order."""
    groups: list[tuple[Box, list[Word]]] = []
    for _, run in itertools.groupby(words, key=lambda word: word.run):
        run_words = list(run)
        box = bounding_box(word.box for word in run_words)
        if groups and _near(groups[-1][0], box):
            last_box, last_words = groups[-1]
            groups[-1] = (last_box | box, [*last_words, *run_words])
        else:
            groups.append((box, run_words))
    return [group for _, group in groups]


def _near(above: Box, below: Box) -> bool:
    gap = below.y0 - above.y1
    shared = min(above.x1, below.x1) - max(above.x0, below.x0)
    return -above.height < gap < STRAY_GAP * below.height and shared > 0


def _stray_block(words: list[Word]) -> Block:
    lines = build_lines(words)
    return Block(
        kind="text",
        box=bounding_box(line.box for line in lines),
        lines=lines,
        font_size=prevailing_size(words),
    )


def _with_footnotes(blocks: list[Block], height: float) -> list[Block]:
    """Name the footnotes among what the layout model took for text."""
    texts = [block for block in blocks if block.kind == "text"]
    sizes = [block.font_size for block in texts for _ in block.text]
    usual = median(sizes) if sizes else 0.0

    def is_footnote(block: Block) -> bool:
        return (
            block.kind == "text"
            and block.font_size <= SMALL_PRINT * usual
            and block.box.y0 > LOWER_PART * height
            and _MARK.match(block.text) is not None
            and not any(_stands_below(other, block) for other in texts)
        )

    return [replace(b, kind="footnote") if is_footnote(b) else b for b in blocks]


def _stands_below(other: Block, block: Block) -> bool:
    """Tell whether text of a larger size stands below, in the same column."""
    shared = min(other.box.x1, block.box.x1) - max(other.box.x0, block.box.x0)
    larger = other.font_size > block.font_size + 0.5
    return larger and shared > 0 and other.box.y0 >= block.box.y1 - 2.0


def _in_order(blocks: list[Block]) -> tuple[Block, ...]:
    """Page headers first, footers last, footnotes before them, the rest as it is read."""

    def part(*kinds: BlockKind) -> list[Block]:
        chosen = [block for block in blocks if block.kind in kinds]
        return [chosen[i] for i in reading_order([block.box for block in chosen])]

    apart: tuple[BlockKind, ...] = ("page_header", "page_footer", "footnote")
    body = [block for block in blocks if block.kind not in apart]
    return (
        *part("page_header"),
        *(body[i] for i in reading_order([block.box for block in body])),
        *part("footnote"),
        *part("page_footer"),
    )
