"""A document's blocks into sections: running text under one heading, with its figures.

A section ends with its page, unless a sentence goes on: a slide, or a page of a form, is a whole
of its own, and what is found is opened at one page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ingestion.captions import attach, line_above, notes_below
from ingestion.furniture import furniture
from ingestion.headings import heading_levels
from ingestion.images import are_alike
from ingestion.layout import Block, PageContent
from ingestion.running_tables import going_on, new_words, numbered
from ingestion.text_flow import (
    Flow,
    Passage,
    goes_on_with_sentence,
    is_unfinished,
    vocabulary,
)

FIGURES = ("table", "picture")
# Pictures whose sides differ by at most this share may be the same.
SAME_SIZE = 0.05


@dataclass(frozen=True, slots=True)
class Figure:
    """A table or picture; `offset` is where in its section's text it stands."""

    page: int
    block: Block
    caption: Passage
    offset: int


@dataclass(frozen=True, slots=True)
class Section:
    """Text and figures under one heading of a page; `path` is the headings, outermost first."""

    path: tuple[str, ...]
    passage: Passage
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class _Item:
    page: int
    block: Block
    captions: tuple[Block, ...] = ()
    goes_on: bool = False


@dataclass(slots=True)
class _Heading:
    level: int
    text: str
    page: int
    block: Block
    used: bool = False


@dataclass(slots=True)
class _Builder:
    """Walks through the items, keeping the headings that the current text stands under."""

    words: frozenset[str]
    headings: list[_Heading] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    flow: Flow = field(init=False)

    def __post_init__(self) -> None:
        self.flow = Flow(self.words)

    def add(self, item: _Item) -> Iterator[Section]:
        """Add text or a figure; yield the section that ends with the page before, if one does."""
        if item.block.kind not in FIGURES and self.flow.ends_before(item.block, item.page):
            yield from self.flush()
        for heading in self.headings:
            heading.used = True
        if item.block.kind in ("table", "picture"):
            caption = Flow(self.words)
            for block in item.captions:
                caption.add(block, item.page)
            figure = Figure(item.page, item.block, caption.passage(), self.flow.length)
            self.figures.append(figure)
        else:
            self.flow.add(item.block, item.page)

    def open(self, item: _Item, level: int) -> Iterator[Section]:
        """Begin what stands under a new heading; yield the section that this ends."""
        text = " ".join(line.text for line in item.block.lines)
        if self._goes_on(item, level):
            self.headings[-1].text += f" {text}"
            return
        yield from self.flush()
        while self.headings and self.headings[-1].level >= level:
            if self._stands_over(item, level):
                break
            ended = self.headings.pop()
            if not ended.used:
                # A heading with nothing under it is text, or it would be lost.
                self.flow.add_text(ended.text, ended.page, ended.block.box)
        if self.flow.length:
            yield from self.flush()
        self.headings.append(_Heading(level, text, item.page, item.block))

    def _stands_over(self, item: _Item, level: int) -> bool:
        """Tell whether the last heading has nothing but this one, of its size, under it."""
        last = self.headings[-1]
        alone = len(self.headings) == 1 or self.headings[-2].level < level
        return alone and not last.used and last.level == level and last.page == item.page

    def _goes_on(self, item: _Item, level: int) -> bool:
        """Tell whether a heading is the second line of the one before."""
        if not self.headings or self.headings[-1].used or self.flow.length:
            return False
        last = self.headings[-1]
        gap = item.block.box.y0 - last.block.box.y1
        return (
            last.level == level
            and last.page == item.page
            and abs(last.block.font_size - item.block.font_size) < 0.6
            and gap < 0.8 * item.block.font_size
        )

    def flush(self) -> Iterator[Section]:
        if self.flow.length or self.figures:
            path = tuple(heading.text for heading in self.headings)
            yield Section(path, self.flow.passage(), tuple(self.figures))
        self.flow, self.figures = Flow(self.words), []

    def finish(self) -> Iterator[Section]:
        yield from self.flush()
        while self.headings:
            ended = self.headings.pop()
            if not ended.used:
                self.flow.add_text(ended.text, ended.page, ended.block.box)
                yield from self.flush()


def sections(pages: Sequence[PageContent]) -> Iterator[Section]:
    """Cut a document into sections, in reading order, without page headers and footers."""
    items = list(_footnotes_after_sentences(_with_parts_numbered(_items(pages))))
    levels = heading_levels(item.block for item in items)
    words = vocabulary(line for item in items for line in item.block.lines)
    builder = _Builder(words)
    for index, item in enumerate(items):
        if index in levels and item.block.lines:
            yield from builder.open(item, levels[index])
        else:
            yield from builder.add(item)
    yield from builder.finish()


def _items(pages: Sequence[PageContent]) -> Iterator[_Item]:
    """Yield what is to be read, captions with their figures and not on their own."""
    left_out = furniture(pages)
    shown: list[Block] = []
    last: _Item | None = None
    for page in pages:
        blocks = [
            block for index, block in enumerate(page.blocks) if (page.number, index) not in left_out
        ]
        captions = attach(blocks)
        taken = {index for attached in captions.values() for index in attached}
        for index, block in enumerate(blocks):
            if index in taken:
                continue
            own = captions.get(index, [])
            if block.kind == "picture" and not own:
                if any(_same_picture(block, other) for other in shown):
                    continue
                shown.append(block)
            if block.kind in FIGURES and not own:
                own = line_above(blocks, index)
            if block.kind in FIGURES:
                own = [*own, *notes_below(blocks, index)]
            item = _going_on(last, _Item(page.number, block, tuple(blocks[i] for i in own)))
            # Footnotes stand at the foot of a page in the middle of a table, too.
            if block.kind != "footnote":
                last = item
            yield item


def _going_on(last: _Item | None, item: _Item) -> _Item:
    """Give a table that goes on from the page before that one's header and captions.

    It does if it stands first on its page and the other last.
    """
    if last is None or last.page != item.page - 1:
        return item
    table = going_on(last.block, item.block, captions=item.captions, said=last.captions)
    if table is None:
        return item
    more = new_words(item.captions, last.captions)
    captions = (*last.captions, *more)
    return _Item(item.page, replace(item.block, table=table), captions, goes_on=True)


def _with_parts_numbered(items: Iterable[_Item]) -> list[_Item]:
    """Let the parts of each table that runs over pages know of each other."""
    found = list(items)
    tables = [index for index, item in enumerate(found) if item.block.table is not None]
    runs: list[list[int]] = []
    for index in tables:
        if found[index].goes_on:
            runs[-1].append(index)
        else:
            runs.append([index])
    for number, run in enumerate((run for run in runs if len(run) > 1), start=1):
        parts = [table for index in run if (table := found[index].block.table) is not None]
        for index, part in zip(run, numbered(parts, key=f"table-{number}"), strict=True):
            block = replace(found[index].block, table=part)
            found[index] = replace(found[index], block=block)
    return found


def _footnotes_after_sentences(items: Iterable[_Item]) -> Iterator[_Item]:
    """Move footnotes behind the sentence that they interrupt at the end of a page."""
    held: list[_Item] = []
    unfinished = False
    for item in items:
        block = item.block
        if block.kind == "footnote" and unfinished:
            held.append(item)
            continue
        if block.kind not in FIGURES:
            if held and not goes_on_with_sentence(block):
                yield from held
                held = []
            unfinished = block.kind == "text" and is_unfinished(block.text)
        yield item
        if not unfinished:
            yield from held
            held = []
    yield from held


def _same_picture(one: Block, other: Block) -> bool:
    """Tell whether two pictures without captions show the same, at the same size."""
    if not (one.fingerprint and other.fingerprint) or one.text != other.text:
        return False
    wider = abs(one.box.width - other.box.width) / max(one.box.width, other.box.width)
    higher = abs(one.box.height - other.box.height) / max(one.box.height, other.box.height)
    return max(wider, higher) < SAME_SIZE and are_alike(one.fingerprint, other.fingerprint, bits=1)
