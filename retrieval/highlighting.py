"""The part of a text that says most of what was looked for, with those words told apart.

Pure; words are compared as the keyword index compares them, in their stems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from retrieval.keyword_index import stems_of, words_of
from retrieval.keyword_text import UNSPACED

LENGTH = 340
_UNSPACED = re.compile(UNSPACED)
# A run of a script without spaces, a number with its separators, or a word.
_WORD = re.compile(rf"{UNSPACED}+|\d+(?:[.,'’]\d+)+|\w+(?:['’&-]\w+)*")
_RULER = re.compile(r"^\s*\|(?:\s*:?-+:?\s*\|)+\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text; `found` where it was looked for."""

    text: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class Snippet:
    """Consecutive parts, and where they stand in the whole text."""

    parts: tuple[Part, ...]
    start: int
    end: int
    is_cut_before: bool = False
    is_cut_after: bool = False


def snippet(text: str, query: str, *, length: int = LENGTH) -> Snippet:
    """Cut out about `length` characters where the query's words stand closest together."""
    places = _places(text, frozenset(words_of(query)))
    start, end = _window(text, places, length)
    inside = [(a, b) for a, b in places if start <= a and b <= end]
    return Snippet(_parts(text, inside, start, end), start, end, start > 0, end < len(text))


def marked(text: str, query: str) -> tuple[Part, ...]:
    """Tell the query's words apart in the whole text."""
    return _parts(text, _places(text, frozenset(words_of(query))), 0, len(text))


def plain_rows(markdown: str) -> str:
    """Write a Markdown table as rows of cells, without its rulings."""
    rows = (row.strip().strip("|") for row in _RULER.sub("", markdown).splitlines())
    cells = (re.split(r"(?<!\\)\|", row) for row in rows if row.strip())
    return "\n".join(" · ".join(filter(None, (cell.strip() for cell in row))) for row in cells)


def _places(text: str, wanted: frozenset[str]) -> list[tuple[int, int]]:
    """Where the wanted words stand."""
    if not wanted:
        return []
    found = (span for match in _WORD.finditer(text) for span in _units(match))
    return _joined(span for span in found if wanted & stems_of(text[span[0] : span[1]]))


def _units(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The word, or every pair of characters where words are not set apart."""
    start, end = match.span()
    if end - start < 3 or not _UNSPACED.match(match.group()):
        yield start, end
        return
    for place in range(start, end - 1):
        yield place, place + 2


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Make one of spans that overlap."""
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _window(text: str, places: Sequence[tuple[int, int]], length: int) -> tuple[int, int]:
    if len(text) <= length:
        return 0, len(text)
    first = _densest(text, places, length)
    start = _word_start(text, max(0, min(first - length // 4, len(text) - length)))
    end = min(len(text), start + length)
    return start, end if end == len(text) else max(start + 1, text.rfind(" ", start, end))


def _densest(text: str, places: Sequence[tuple[int, int]], length: int) -> int:
    """The place from which most different words follow closely; the start where none does."""
    best, most = 0, 0
    reach = length * 3 // 4
    for place, (start, _) in enumerate(places):
        near = {text[a:b].casefold() for a, b in places[place : place + 60] if b <= start + reach}
        if len(near) > most:
            best, most = start, len(near)
    return best


def _word_start(text: str, place: int) -> int:
    if place == 0:
        return 0
    space = text.find(" ", place)
    return space + 1 if 0 <= space < place + 40 else place


def _parts(text: str, places: Sequence[tuple[int, int]], start: int, end: int) -> tuple[Part, ...]:
    parts: list[Part] = []
    at = start
    for a, b in places:
        parts += [Part(text[at:a]), Part(text[a:b], found=True)]
        at = b
    return tuple(part for part in (*parts, Part(text[at:end])) if part.text)
