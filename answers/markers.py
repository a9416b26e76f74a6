"""The marks [1], [2, 3] and [4-6] that tie an answer's text to its numbered evidence.

A bracket with a backslash before it is text: the sources' own "[12]" is quoted that way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from answers import formulas

_LIST = r"\d{1,3}(?:\s*[,;\-–]\s*\d{1,3})*"
MARKER = re.compile(rf"(?<!\\)(?:\[(?:{_LIST})\]|【(?:{_LIST})】)")
# The beginning of a marker at the very end of a text that is still growing.
OPEN_MARKER = re.compile(r"(?<!\\)[\[【][\d\s,;\-–]*$")
_RANGE = re.compile(r"(\d+)(?:\s*[\-–]\s*(\d+))?")
# An amount needs no escape: a dollar sign before a digit never closes a formula.
_SPECIAL = re.compile(r"([\\`*_\[<>|~#&]|\$(?!\d))")
_LIST_START = re.compile(r"^(\s*)(\d{1,9}(?=[.)])|(?=[-+]))", re.MULTILINE)
LONGEST_RANGE = 20


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker at [start, end) of the answer and the numbers that it names, in order."""

    start: int
    end: int
    numbers: tuple[int, ...]


def find_markers(text: str) -> Iterator[Marker]:
    """Yield the markers of a text in order; what stands within a formula is none: "$[0, 1]$"."""
    for match in MARKER.finditer(formulas.blanked(text)):
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
    parts: list[str] = []
    start = 0
    for marker in find_markers(text):
        parts.append(text[start : marker.start].rstrip(" \t"))
        start = marker.end
    return "".join([*parts, text[start:]])


def escape_markdown(text: str) -> str:
    """Quote a source's text so that it reads as it stands: no markup, no markers.

    Its formulas stay formulas.
    """
    parts: list[str] = []
    start = 0
    for formula in formulas.find(text):
        parts += [_escaped(text[start : formula.start()]), formula.group()]
        start = formula.end()
    return _LIST_START.sub(r"\1\2\\", "".join([*parts, _escaped(text[start:])]))


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
