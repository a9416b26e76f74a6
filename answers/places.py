"""Where the words of an answer stand in its evidence. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from answers.evidence import Evidence
from answers.markers import find_markers, without_markers
from answers.words import numbers, stems
from ingestion.layout import Box, TextSpan

Range = tuple[int, int]

MOST_QUOTES = 3
# A line of the evidence that shares less than this with a statement is not what it rests on.
LEAST_SHARE = 0.3
NUMBER_WEIGHT = 2.0
_SENTENCE_END = re.compile(r"(?<=[.!?:;。！？])\s+|\n+")


def statements(answer: str, number: int) -> list[str]:
    """Return the parts of the answer that cite this number: the text up to each marker."""
    found: list[str] = []
    start = 0
    for marker in find_markers(answer):
        head = answer[start : marker.start]
        said = without_markers(re.split(r"\n{1,}|(?<=[.!?])\s+(?=\S)", head.strip())[-1])
        if number in marker.numbers:
            found.append(said or (found[-1] if found else ""))
        if re.search(r"\w", head) and answer[marker.end : marker.end + 1] not in ("[", "【"):
            start = marker.end
    return [said for said in found if said]


def supporting_ranges(text: str, said: Sequence[str]) -> list[Range]:
    """Find the sentences or lines of `text` that the statements lean on, best few, in order."""
    wanted = [(stems([statement]), numbers(statement)) for statement in said]
    scored: list[tuple[float, Range]] = []
    for start, end in sentence_ranges(text):
        own, figures = stems([text[start:end]]), numbers(text[start:end])
        score = max((_share(own, figures, *needs) for needs in wanted), default=0.0)
        scored.append((score, (start, end)))
    best = max((score for score, _ in scored), default=0.0)
    if best < LEAST_SHARE:
        return []
    good = [item for item in scored if item[0] >= max(LEAST_SHARE, 0.6 * best)]
    good.sort(key=lambda item: -item[0])
    return sorted(place for _, place in good[:MOST_QUOTES])


def sentence_ranges(text: str) -> Iterator[Range]:
    """Cut a text at its sentence ends and line ends, roughly: for places, not for quoting."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if text[start : match.start()].strip():
            yield start, match.start()
        start = match.end()
    if text[start:].strip():
        yield start, len(text)


def boxes_of(piece: Evidence, ranges: Sequence[Range] = ()) -> list[list[float]]:
    """Return [[page, x0, y0, x1, y1], ...] of the lines that hold the ranges.

    All of the piece's lines where no range is given; its own box where it has no lines.
    """
    spans: Iterable[TextSpan] = piece.spans
    if ranges:
        spans = [
            span
            for span in piece.spans
            if any(span.start < end and start < span.end for start, end in ranges)
        ]
    boxes = [_box(span.page, span.box) for span in spans]
    return boxes or [_box(piece.page, piece.box)]


def _box(page: int, box: Box) -> list[float]:
    return [page, *box.as_list()]


def _share(own: set[str], figures: set[str], words: set[str], wanted: set[str]) -> float:
    """The share of a statement's words and numbers that a line has; a number counts twice."""
    words = words - wanted
    whole = len(words) + NUMBER_WEIGHT * len(wanted)
    if not whole:
        return 0.0
    return (len(own & words) + NUMBER_WEIGHT * len(figures & wanted)) / whole
