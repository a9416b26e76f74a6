"""Lists that stand under a heading, with no line that leads in to them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MOST_HEADING_WORDS = 12
# Lines within a step: notes, and lists of their own.
MOST_BETWEEN = 4
_LINE = re.compile(r"[^\n]+")
_BULLET = re.compile(r"\s*[-•‣▪◦●○■*–·]\s")
# "1 Touch the screen" too, but not "25 days of leave".
_STEP = re.compile(r"\s*\(?(?:(?P<number>\d{1,2})(?:[.)]\s|\s+(?=[A-Z]))|(?P<letter>[a-z])[.)]\s)")
_ENDED = re.compile(r"[.!?:;,…。！？][\"'”’)\]]*\s*$")


@dataclass(frozen=True, slots=True)
class Listing:
    """Items from `start` to `end` of a text; `heading_start` is `start` where that is no line."""

    heading_start: int
    start: int
    end: int
    heading: str


def listings(text: str, *, heading: str = "") -> Iterator[Listing]:
    """Find the runs of points or steps right under a heading: a line, or the text's own."""
    lines = list(_LINE.finditer(text))
    above, place = heading, 0
    while place < len(lines):
        count = _length(lines[place:]) if above else 0
        if count:
            start = lines[place].start()
            is_line = place > 0
            heading_start = lines[place - 1].start() if is_line else start
            yield Listing(heading_start, start, lines[place + count - 1].end(), above)
        place += max(count, 1)
        above = _as_heading(lines[place - 1].group())


def is_ended(text: str) -> bool:
    """Tell whether a text ends as a sentence does: a heading does not."""
    return bool(_ENDED.search(text))


def _as_heading(line: str) -> str:
    """The line without its edges where it may be a heading, else nothing."""
    line = line.strip()
    is_heading = (
        (line[:1].isupper() or line[:1].isdigit())
        and len(line.split()) <= MOST_HEADING_WORDS
        and not is_ended(line)
        and not _BULLET.match(line)
    )
    return line if is_heading else ""


def _length(lines: Sequence[re.Match[str]]) -> int:
    """Count the lines of the list that begins here: of bullets, or of steps from the first on."""
    texts = [line.group() for line in lines]
    bullets = next((i for i, text in enumerate(texts) if not _BULLET.match(text)), len(texts))
    if bullets or _ordinal(texts[0]) != 1:
        return bullets
    length, last = 1, 1
    for place, text in enumerate(texts[1:], start=1):
        # Of steps with numbers, those with letters are within one, and the other way round.
        number = _ordinal(text) if _is_lettered(text) == _is_lettered(texts[0]) else 0
        if place > length + MOST_BETWEEN or number == 1:
            break
        if number == last + 1:
            length, last = place + 1, number
    return length if last > 1 else 0


def _is_lettered(line: str) -> bool:
    match = _STEP.match(line)
    return bool(match and match["letter"])


def _ordinal(line: str) -> int:
    match = _STEP.match(line)
    if match is None:
        return 0
    return int(match["number"]) if match["number"] else ord(match["letter"]) - ord("a") + 1
