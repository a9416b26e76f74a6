"""Cut parsed pages into chunks: what is embedded, found, shown to the reader, and cited."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from ingestion.captions import Label, label_of, references
from ingestion.layout import Box, ChunkDraft, PageContent, Table, TextSpan, context_text
from ingestion.lines import bounding_box
from ingestion.packing import pack
from ingestion.sections import Figure, Section, sections
from ingestion.sentences import sentence_ranges
from ingestion.table_markdown import markdown_body, markdown_head
from ingestion.text_flow import Flow, Passage

# Headings take at most this share of what the model reads, and so do a caption and the
# sentences that refer to a figure.
PATH_SHARE = 0.25
CAPTION_SHARE = 0.4
REFERENCES_SHARE = 0.3
# Neighbouring sections, one of which is shorter than this share, become one chunk.
SMALL = 0.25


def chunk_document(
    pages: Iterable[PageContent], *, count_tokens: Callable[[str], int], max_tokens: int
) -> Iterator[ChunkDraft]:
    """Yield a document's chunks in reading order.

    A chunk with its context (`context_text`) counts at most `max_tokens`, except for a
    single table row or table header that is longer. Every character of the body text is in
    some text chunk, in order; page headers and footers are left out.
    """
    limit = _Limit(count_tokens, max_tokens)
    found = _with_small_ones_merged(sections(list(pages)), limit)
    spoken = references(
        section.passage.text[start:end]
        for section in found
        for start, end in sentence_ranges(section.passage.text)
    )
    for section in found:
        yield from _chunks(section, spoken, limit)


@dataclass(frozen=True, slots=True)
class _Limit:
    """Counts what texts add to the tokens that the model reads, special ones apart."""

    count: Callable[[str], int]
    tokens: int

    def cost(self, text: str) -> int:
        return self.count(text) - self.count("")

    @property
    def room(self) -> int:
        return self.tokens - self.count("")

    def shortened(self, text: str, share: float) -> str:
        """Keep the leading sentences, or else words, that fit into a share of the room."""
        budget = max(1, int(share * self.room))
        ranges = pack(text, cost=self.cost, budget=budget)
        return text[slice(*ranges[0])].strip() if ranges else ""

    def path(self, headings: tuple[str, ...]) -> tuple[str, ...]:
        """Drop outer headings until the rest leaves room for text; cut the last if it must."""
        budget = PATH_SHARE * self.room
        while len(headings) > 1 and self.cost(" > ".join(headings)) > budget:
            headings = headings[1:]
        if headings and self.cost(headings[0]) > budget:
            headings = (self.shortened(headings[0], PATH_SHARE), *headings[1:])
        return headings

    def counted(self, draft: ChunkDraft) -> ChunkDraft:
        return replace(draft, token_count=self.count(context_text(draft)))


# --- small sections --------------------------------------------------------------------------


def _with_small_ones_merged(found: Iterable[Section], limit: _Limit) -> list[Section]:
    """Join small neighbours of a page that share a heading; their own headings become text."""
    merged: list[Section] = []
    for section in found:
        if merged and _may_join(merged[-1], section, limit):
            merged[-1] = _joined(merged[-1], section)
        else:
            merged.append(section)
    return merged


def _may_join(above: Section, below: Section, limit: _Limit) -> bool:
    shared = _shared(above.path, below.path)
    if not shared and above.path != below.path:
        return False
    if not above.passage.text or not below.passage.text:
        return False
    if above.passage.spans[-1].page != below.passage.spans[0].page:
        return False
    costs = [limit.cost(section.passage.text) for section in (above, below)]
    return min(costs) < SMALL * limit.room and sum(costs) < (1 - PATH_SHARE) * limit.room


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    return one[:shared]


def _joined(above: Section, below: Section) -> Section:
    path = _shared(above.path, below.path)
    first, second = _told(above, path), _told(below, path)
    passage = first + Passage("\n") + second
    shifts = (
        len(first.text) - len(above.passage.text),
        len(passage.text) - len(below.passage.text),
    )
    figures = [
        replace(figure, offset=figure.offset + shift)
        for section, shift in zip((above, below), shifts, strict=True)
        for figure in section.figures
    ]
    return Section(path, passage, tuple(figures))


def _told(section: Section, path: tuple[str, ...]) -> Passage:
    """Return the section's text with those of its headings that `path` lacks on lines before it."""
    own = section.path[len(path) :]
    if not own:
        return section.passage
    first = section.passage.spans[0]
    flow = Flow()
    for heading in own:
        flow.add_text(heading, first.page, first.box)
    return flow.passage() + Passage("\n") + section.passage


# --- chunks ----------------------------------------------------------------------------------


def _chunks(
    section: Section, spoken: dict[Label, list[str]], limit: _Limit
) -> Iterator[ChunkDraft]:
    path = limit.path(section.path)
    waiting = list(section.figures)
    for start, end in _ranges(section.passage.text, path, limit):
        while waiting and waiting[0].offset <= start:
            yield from _figure_chunks(waiting.pop(0), path, spoken, limit)
        part = section.passage.part(start, end)
        if part.text:
            yield limit.counted(_text_chunk(part, path))
    for figure in waiting:
        yield from _figure_chunks(figure, path, spoken, limit)


def _ranges(text: str, path: tuple[str, ...], limit: _Limit) -> list[tuple[int, int]]:
    heading = " > ".join(path)
    budget = limit.room - limit.cost(heading)
    while True:
        ranges = pack(text, cost=limit.cost, budget=budget)
        longest = max((limit.cost(f"{heading}\n{text[a:b]}") for a, b in ranges), default=0)
        # Counts need not add up exactly: where a tokenizer joins across sentences, try less.
        if longest <= limit.room or budget < 2:
            return ranges
        budget -= longest - limit.room


def _text_chunk(part: Passage, path: tuple[str, ...]) -> ChunkDraft:
    page, box = part.place()
    return ChunkDraft(
        kind="text", page=page, box=box, text=part.text, spans=part.spans, heading_path=path
    )


def _figure_chunks(
    figure: Figure, path: tuple[str, ...], spoken: dict[Label, list[str]], limit: _Limit
) -> Iterator[ChunkDraft]:
    caption = limit.shortened(figure.caption.text, CAPTION_SHARE)
    label = label_of(figure.caption.text)
    block = figure.block
    draft = ChunkDraft(
        kind="table" if block.kind == "table" else "image",
        page=figure.page,
        box=block.box,
        text="",
        heading_path=path,
        caption=caption,
        references=_references(spoken.get(label, []) if label else [], limit),
        table=block.table,
        image=block.image,
    )
    if block.table:
        yield from _table_chunks(draft, block.table, limit)
    else:
        yield from _picture_chunks(draft, figure, limit)
    if caption != figure.caption.text.strip():
        # What does not fit beside the figure is still text of the document.
        for start, end in _ranges(figure.caption.text, path, limit):
            yield limit.counted(_text_chunk(figure.caption.part(start, end), path))


def _references(sentences: list[str], limit: _Limit) -> str:
    kept: list[str] = []
    left = int(REFERENCES_SHARE * limit.room)
    for sentence in dict.fromkeys(sentences):
        left -= limit.cost(sentence)
        if left < 0:
            break
        kept.append(sentence)
    return " ".join(kept)


def _picture_chunks(draft: ChunkDraft, figure: Figure, limit: _Limit) -> Iterator[ChunkDraft]:
    """One chunk with the picture and the text in it; text chunks for what is too much."""
    flow = Flow()
    for line in figure.block.lines:
        flow.add_text(line.text, figure.page, line.box)
    inner = flow.passage()
    room = limit.room - limit.cost(context_text(draft))
    first, *more = pack(inner.text, cost=limit.cost, budget=room) or [(0, 0)]
    part = inner.part(*first)
    yield limit.counted(replace(draft, text=part.text, spans=part.spans))
    if more:
        rest = inner.part(first[1], len(inner.text))
        for start, end in _ranges(rest.text, draft.heading_path, limit):
            yield limit.counted(_text_chunk(rest.part(start, end), draft.heading_path))


# --- tables ----------------------------------------------------------------------------------


def _table_chunks(draft: ChunkDraft, table: Table, limit: _Limit) -> Iterator[ChunkDraft]:
    """The table as Markdown, in parts that each repeat the header where it is too long."""
    head = markdown_head(table)
    rows = markdown_body(table)
    places = _row_boxes(table, draft.box)
    base = limit.cost(context_text(replace(draft, text=head)))
    if base > limit.room / 2 and draft.references:
        draft = replace(draft, references="")
        base = limit.cost(context_text(replace(draft, text=head)))
    for start, end in _row_groups([limit.cost(row) for row in rows], limit.room - base):
        lines = [head, *rows[start:end]]
        boxes = [places[0], *places[1 + start : 1 + end]]
        yield limit.counted(
            replace(draft, text="\n".join(lines), spans=_line_spans(lines, boxes, draft.page))
        )


def _row_groups(costs: list[int], room: int) -> Iterator[tuple[int, int]]:
    """Cut rows into groups of at most `room` tokens, of about the same size."""
    parts = max(1, math.ceil(sum(costs) / room)) if room > 0 else len(costs)
    target = sum(costs) / max(1, parts)
    start, spent = 0, 0
    for index, cost in enumerate(costs):
        if index > start and (spent + cost > room or spent >= target):
            yield start, index
            start, spent = index, 0
        spent += cost
    yield start, len(costs)


def _row_boxes(table: Table, whole: Box) -> list[Box]:
    """Return the box of the header, then of each data row."""
    boxes: list[list[Box]] = [[] for _ in range(1 + table.rows - table.header_rows)]
    for cell in table.cells:
        if cell.box is not None:
            boxes[max(0, cell.row - table.header_rows + 1)].append(cell.box)
    return [bounding_box(group) if group else whole for group in boxes]


def _line_spans(lines: list[str], boxes: list[Box], page: int) -> tuple[TextSpan, ...]:
    spans = []
    start = 0
    for line, box in zip(lines, boxes, strict=True):
        spans.append(TextSpan(start, start + len(line), page, box))
        start += len(line) + 1
    return tuple(spans)
