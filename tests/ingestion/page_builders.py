"""Words, blocks and pages written down in a line, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Sequence

from ingestion.layout import Block, BlockKind, Box, Line, PageContent
from ingestion.raw_page import Word

LINE_HEIGHT = 12.0


def words(text: str, *, x: float, y: float, run: int = 0, size: float = 10.0) -> list[Word]:
    """Set a line of text from (x, y), the upper left corner; letters are half a size wide."""
    made: list[Word] = []
    for part in text.split():
        width = len(part) * size / 2
        box = Box(x, y, x + width, y + size)
        made.append(Word(part, box, run=run, origin=y + 0.8 * size, size=size))
        x += width + size / 4
    return made


def block(
    text: str,
    *,
    kind: BlockKind = "text",
    y: float = 100.0,
    x: float = 72.0,
    width: float = 400.0,
    size: float = 10.0,
    **fields: object,
) -> Block:
    """Make a block of lines from y downwards."""
    lines = tuple(
        Line(line, Box(x, y + i * LINE_HEIGHT, x + width, y + i * LINE_HEIGHT + 10))
        for i, line in enumerate(text.split("\n"))
        if line
    )
    height = max(1, len(lines)) * LINE_HEIGHT
    box = Box(x, y, x + width, y + height)
    return Block(kind=kind, box=box, lines=lines, font_size=size, **fields)  # type: ignore[arg-type]


def page(*blocks: Block, number: int = 1) -> PageContent:
    return PageContent(
        number=number, width=612, height=792, text_source="text_layer", blocks=tuple(blocks)
    )


def stacked(blocks: Sequence[Block], *, top: float = 150.0) -> tuple[Block, ...]:
    """Move blocks below each other, in order."""
    moved = []
    for one in blocks:
        shift = top - one.box.y0
        moved.append(
            Block(
                kind=one.kind,
                box=_down(one.box, shift),
                lines=tuple(Line(line.text, _down(line.box, shift)) for line in one.lines),
                level=one.level,
                table=one.table,
                font_size=one.font_size,
            )
        )
        top += one.box.height + 6
    return tuple(moved)


def _down(box: Box, by: float) -> Box:
    return Box(box.x0, box.y0 + by, box.x1, box.y1 + by)


def word_count(text: str) -> int:
    """Count as a simple tokenizer would: one per word, and two that every text has."""
    return len(text.split()) + 2
