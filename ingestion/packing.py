"""Fill chunks with sentences up to a limit of tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from ingestion.sentences import sentence_ranges

# Where a section is cut, up to this share of the limit is said again.
OVERLAP = 0.12
# A cut moves back to the end of a paragraph if that leaves at least this share of a chunk.
PARAGRAPH_FROM = 0.6


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    cost: int
    ends_paragraph: bool


def pack(text: str, *, cost: Callable[[str], int], budget: int) -> list[tuple[int, int]]:
    """Cut text into ranges of at most `budget` tokens that together cover it, in order.

    Ranges end with sentences, and rather with paragraphs; they are about equally long, and
    each begins with the last sentences of the one before where those are short.
    """
    pieces = list(_pieces(text, cost, max(1, budget)))
    if sum(piece.cost for piece in pieces) <= budget:
        return [(0, len(text))] if pieces else []
    overlap = int(OVERLAP * budget)
    groups: list[list[_Piece]] = _groups(pieces, max(1, budget - overlap))
    ranges: list[tuple[int, int]] = []
    for before, group in pairwise([[], *groups]):
        # Never the whole of the range before, nor what the one before that says.
        start = _said_again([*before[1:], group[0]], overlap)
        ranges.append((start, group[-1].end))
    return ranges


def _pieces(text: str, cost: Callable[[str], int], budget: int) -> Iterator[_Piece]:
    for start, end in sentence_ranges(text):
        tokens = cost(text[start:end])
        if tokens <= budget:
            yield _Piece(start, end, tokens, text[start:end].endswith("\n"))
        else:
            yield from _broken(text, start, end, cost, budget)


def _broken(
    text: str, start: int, end: int, cost: Callable[[str], int], budget: int
) -> Iterator[_Piece]:
    """Break a sentence that no chunk can hold: at spaces, or anywhere if there are none."""
    begin, reached, spent = start, start, 0
    for match in re.finditer(r"\S+\s*", text[start:end]):
        for first, last in _word_parts(text, start + match.start(), start + match.end()):
            tokens = cost(text[first:last])
            if reached > begin and spent + tokens > budget:
                yield _Piece(begin, reached, spent, False)
                begin, spent = reached, 0
            reached, spent = last, spent + tokens
    yield _Piece(begin, end, spent, text[begin:end].endswith("\n"))


def _word_parts(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    # Text without spaces (Chinese, a base64 blob) is one "word" as long as a page.
    step = 40
    for begin in range(start, end, step):
        yield begin, min(begin + step, end)


def _groups(pieces: list[_Piece], budget: int) -> list[list[_Piece]]:
    total = sum(piece.cost for piece in pieces)
    target = math.ceil(total / math.ceil(total / budget))
    groups: list[list[_Piece]] = [[]]
    spent = 0
    for piece in pieces:
        if groups[-1] and (spent + piece.cost > budget or spent >= target):
            groups.append(_after_paragraph(groups[-1], target))
            spent = sum(moved.cost for moved in groups[-1])
            if groups[-1] and spent + piece.cost > budget:
                groups.append([])
                spent = 0
        groups[-1].append(piece)
        spent += piece.cost
    return [group for group in groups if group]


def _after_paragraph(group: list[_Piece], target: int) -> list[_Piece]:
    """Take what follows the group's last paragraph out of it, if enough is left."""
    spent = 0
    cut = len(group)
    for index, piece in enumerate(group):
        spent += piece.cost
        if piece.ends_paragraph and spent >= PARAGRAPH_FROM * target:
            cut = index + 1
    moved = group[cut:]
    del group[cut:]
    return moved


def _said_again(pieces: list[_Piece], overlap: int) -> int:
    """Return where to begin before the last piece so that the sentences before are said again."""
    *earlier, first = pieces
    start = first.start
    for piece in reversed(earlier):
        overlap -= piece.cost
        if overlap < 0:
            break
        start = piece.start
    return start
