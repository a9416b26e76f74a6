"""Evidence cut into what may be quoted by itself: sentences, table rows, captions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from answers.evidence import Evidence
from answers.words import words
from ingestion.sentences import sentence_ranges

PassageKind = Literal["sentence", "row", "figure"]

FEWEST_WORDS = 3
_CELL_EDGE = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"^\|?[\s:|-]+\|?$")


@dataclass(frozen=True, slots=True)
class Passage:
    """A quotable part of evidence `number`: its characters [start, end), on one line.

    `context` is what it is understood by but does not say: headings, a caption, the line
    that leads in to a list. A row has its cells and the cells of the table's header. An
    empty range means that the text is the figure's caption.
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


def passages(evidence: Iterable[Evidence]) -> Iterator[Passage]:
    """Cut every piece of evidence, in order."""
    for piece in evidence:
        match piece.kind:
            case "table" if "|" in piece.text:
                yield from _rows(piece)
            case "image":
                yield from _figure(piece)
            case _:
                yield from _sentences(piece)


def table_cells(line: str) -> tuple[str, ...]:
    """Split a row of a Markdown table into the texts of its cells."""
    inner = line.strip().removeprefix("|").removesuffix("|")
    return tuple(
        cell.replace("\\|", "|").replace("<br>", " ").strip() for cell in _CELL_EDGE.split(inner)
    )


def _sentences(piece: Evidence) -> Iterator[Passage]:
    headings = " > ".join(piece.heading_path)
    lead_in, leads = "", False
    for start, end in sentence_ranges(piece.text):
        said = piece.text[start:end]
        end -= len(said) - len(said.rstrip())
        start += len(said) - len(said.lstrip())
        text = " ".join(said.split())
        if not (leads or _is_item(text)):
            lead_in = ""
        if len(words(text)) >= FEWEST_WORDS:
            context = " ".join(part for part in (headings, lead_in) if part)
            yield Passage(piece.number, "sentence", text, start, end, context, lead_in=lead_in)
        leads = text.endswith(":")
        lead_in = text if leads else lead_in


def _is_item(text: str) -> bool:
    return bool(re.match(r"([-•‣▪◦*–·]|\(?\w{1,3}[.)])\s", text)) or len(words(text)) < 12


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
