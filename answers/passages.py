"""Evidence cut into what may be quoted by itself: sentences, table rows, captions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from answers.evidence import Evidence
from answers.lists import Listing, is_ended, listings
from answers.words import words
from ingestion.sentences import sentence_ranges

PassageKind = Literal["sentence", "row", "figure"]

FEWEST_WORDS = 3
MOST_ITEMS = 12
# Stands for what a quotation leaves out.
CUT = "…"
_MARK = r"(?:[-•‣▪◦●○■*–·]|\(?\w{1,3}[.)])"
_MARKED = re.compile(rf"{_MARK}\s")
_ITEM = re.compile(rf"[^\S\n]*(?P<said>{_MARK}[^\S\n]+\S[^\n]*)(?:\n|\Z)")
# A name with what it names says something even in two words: "Telephone: 01983".
_LABELLED = re.compile(r"\w[^:]*:\s*\w")
_LINE_END = re.compile(r"(?P<said>)[^\S\n]*\n")
# What leads in to a list on behalf of the sentence before it.
_REFERS_BACK = re.compile(
    r"\s*(?P<said>(?:these|they|those|this|such|some|examples)\b[^\n.!?]*:)[^\S\n]*\n",
    re.IGNORECASE,
)
# A row of dots to a page's number. In a table of figures, an amount or more than one follows.
_CONTENTS = re.compile(r"(?:\. ?|…){5,}\s*(?:\d{1,3}|[ivxl]{1,6})(?=$|\s+\D)")
_CELL_EDGE = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"^\|?[\s:|-]+\|?$")


@dataclass(frozen=True, slots=True)
class Passage:
    """A quotable part of evidence `number`: its characters [start, end), on one line.

    `context` is what it is understood by but does not say: headings, a caption, the line
    that leads in to a list. A row has its cells and the cells of the table's header. An
    empty range means that the text is the figure's caption. What leads in to a list has its
    `tail`: the lines that belong to it, up to character `list_end`. What is in a list under a
    heading has that list's first character as `listed`.
    """

    number: int
    kind: PassageKind
    text: str
    start: int
    end: int
    context: str = ""
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    lead_in: str = ""
    tail: tuple[str, ...] = ()
    list_end: int = 0
    listed: int = -1
    is_marked: bool = False

    @property
    def whole_end(self) -> int:
        return max(self.end, self.list_end)

    @property
    def is_ended(self) -> bool:
        """Tell whether it ends as a sentence does: a heading does not."""
        return is_ended(self.text)

    @property
    def is_item(self) -> bool:
        return bool(_MARKED.match(self.text))

    @property
    def is_of_contents(self) -> bool:
        """Tell whether it only says on which page something stands."""
        return bool(_CONTENTS.search(self.text))

    def covers(self, other: Passage) -> bool:
        """Tell whether another passage is in the list that this one leads in to."""
        return other.number == self.number and self.end <= other.start < self.list_end


def passages(evidence: Iterable[Evidence]) -> Iterator[Passage]:
    """Cut every piece of evidence, in order."""
    for piece in evidence:
        for passage in _cut(piece):
            yield replace(passage, is_marked=True) if piece.is_marked else passage


def _cut(piece: Evidence) -> Iterator[Passage]:
    match piece.kind:
        case "table" if "|" in piece.text:
            return _rows(piece)
        case "image":
            return _figure(piece)
        case _:
            return _sentences(piece)


def table_cells(line: str) -> tuple[str, ...]:
    """Split a row of a Markdown table into the texts of its cells."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(
        cell.replace("\\|", "|").replace("<br>", " ").strip() for cell in _CELL_EDGE.split(inner)
    )


def _sentences(piece: Evidence) -> Iterator[Passage]:
    headings = " > ".join(piece.heading_path)
    under = list(listings(piece.text, heading=(piece.heading_path or ("",))[-1]))
    lead_in, leads = "", False
    for start, end in sentence_ranges(piece.text):
        said = piece.text[start:end]
        end -= len(said) - len(said.rstrip())
        start += len(said) - len(said.lstrip())
        text = " ".join(said.split())
        if not (leads or _is_item(text)):
            lead_in = ""
        is_step = any(one.start <= start < one.end for one in under)
        if is_step or len(words(text)) >= FEWEST_WORDS or _LABELLED.match(text):
            context = " ".join(part for part in (headings, lead_in) if part)
            passage = Passage(piece.number, "sentence", text, start, end, context, lead_in=lead_in)
            yield _listed(_with_list(passage, piece.text), under)
        leads = text.endswith(":")
        lead_in = text if leads else lead_in


def _listed(passage: Passage, under: Iterable[Listing]) -> Passage:
    """Say which list under a heading a passage is in, or is the heading of."""
    for one in under:
        if one.heading_start <= passage.start < one.start:
            return replace(passage, listed=one.start)
        if one.start <= passage.start < one.end:
            lead_in = passage.lead_in or one.heading
            return replace(passage, listed=one.start, lead_in=lead_in)
    return passage


def _with_list(passage: Passage, text: str) -> Passage:
    """Give what leads in to a list its items; a sentence too, if the next one says that for it."""
    leads = passage.text.endswith(":")
    lead_in = (_LINE_END if leads else _REFERS_BACK).match(text, passage.end)
    items = list(islice(_items(text, lead_in.end()), MOST_ITEMS + 1)) if lead_in else []
    items, more = items[:MOST_ITEMS], items[MOST_ITEMS:]
    if not lead_in or not items:
        return passage
    tail = [match["said"].strip() for match in (lead_in, *items)]
    if more:
        tail.append(CUT)
    return replace(passage, tail=tuple(filter(None, tail)), list_end=items[-1].end("said"))


def _items(text: str, start: int) -> Iterator[re.Match[str]]:
    while found := _ITEM.match(text, start):
        yield found
        start = found.end()


def _is_item(text: str) -> bool:
    return bool(_MARKED.match(text)) or len(words(text)) < 12


def _rows(piece: Evidence) -> Iterator[Passage]:
    context = " ".join(part for part in (" > ".join(piece.heading_path), piece.caption) if part)
    header: tuple[str, ...] = ()
    start = 0
    for line in piece.text.split("\n"):
        end = start + len(line)
        cells = table_cells(line)
        if not header and not _RULE.match(line):
            header = cells
        elif any(cells) and not _RULE.match(line):
            text = " ".join(cell for cell in cells if cell)
            yield Passage(piece.number, "row", text, start, end, context, cells, header)
        start = end + 1


def _figure(piece: Evidence) -> Iterator[Passage]:
    inner = " ".join(piece.text.split())
    context = " ".join(part for part in (" > ".join(piece.heading_path), piece.references) if part)
    if piece.caption:
        caption = " ".join(piece.caption.split())
        yield Passage(piece.number, "figure", caption, 0, 0, f"{context} {inner}".strip())
    elif len(words(inner)) >= FEWEST_WORDS:
        yield Passage(piece.number, "figure", inner, 0, len(piece.text), context)
