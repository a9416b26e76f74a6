"""The marks [1], [2, 3] and [4-6] that tie an answer's text to its numbered evidence.

A bracket with a backslash before it is text: the sources' own "[12]" is quoted that way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LIST = r"\d{1,3}(?:\s*[,;\-–]\s*\d{1,3})*"
MARKER = re.compile(rf"(?<!\\)(?:\[(?:{_LIST})\]|【(?:{_LIST})】)")
# The beginning of a marker at the very end of a text that is still growing.
OPEN_MARKER = re.compile(r"(?<!\\)[\[【][\d\s,;\-–]*$")
_RANGE = re.compile(r"(\d+)(?:\s*[\-–]\s*(\d+))?")
_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&])")
_LIST_START = re.compile(r"^(\s*)(\d{1,9}(?=[.)])|(?=[-+]))", re.MULTILINE)
LONGEST_RANGE = 20


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker at [start, end) of the answer and the numbers that it names, in order."""

    start: int
    end: int
    numbers: tuple[int, ...]


def find_markers(text: str) -> Iterator[Marker]:
    for match in MARKER.finditer(text):
        yield Marker(match.start(), match.end(), numbers_of(match.group()))


def numbers_of(marker: str) -> tuple[int, ...]:
    """Read the numbers of a marker's text: "[2, 4-6]" is 2, 4, 5, 6; each once."""
    numbers: dict[int, None] = {}
    for first, last in _RANGE.findall(marker):
        low, high = int(first), int(last or first)
        for number in range(low, min(high, low + LONGEST_RANGE) + 1):
            numbers.setdefault(number)
    return tuple(numbers)


def without_markers(text: str) -> str:
    """Return the text as it reads without its markers and the spaces before them."""
    return re.sub(rf"[ \t]*{MARKER.pattern}", "", text)


def escape_markdown(text: str) -> str:
    """Quote a source's text so that it reads as it stands: no markup, no markers."""
    return _LIST_START.sub(r"\1\2\\", _SPECIAL.sub(r"\\\1", text))
