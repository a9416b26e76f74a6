"""Where sentences begin and end: the only module that imports sentencex."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Words whose point ends no sentence where a number or bracket follows.
_REFERS_ON = re.compile(
    r"(?:^|[\s(\[])(?:figs?|tabs?|eqs?|eqns?|secs?|sects?|chaps?|refs?|nos?|nr|pp?|vols?|arts?|"
    r"app|approx|ca|cf|al|vs|e\.g|i\.e|incl|resp|est)\.\s*$",
    re.IGNORECASE,
)
# The number of an item or paragraph is no sentence.
_NUMBER = re.compile(r"\(?(?:\d{1,3}|[a-z]|[ivx]{1,5})[.)]\s*", re.IGNORECASE)


def sentence_ranges(text: str) -> list[tuple[int, int]]:
    """Cut text into sentences: ranges that together cover it, in order.

    A line break always ends a sentence; white space belongs to the sentence before it.
    """
    ranges: list[tuple[int, int]] = []
    for start, end in _paragraphs(text):
        for length in _lengths(text[start:end]):
            glued = ranges and ranges[-1][1] == start and _goes_on(text, ranges[-1])
            if glued:
                ranges[-1] = (ranges[-1][0], start + length)
            else:
                ranges.append((start, start + length))
            start += length
    return ranges


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in re.finditer(r"\n+", text):
        yield start, match.end()
        start = match.end()
    if start < len(text):
        yield start, len(text)


def _lengths(paragraph: str) -> Iterator[int]:
    from sentencex import segment

    found = [len(sentence) for sentence in segment("en", paragraph)]
    # The segmenter keeps every character; if one day it does not, the rest is one sentence.
    rest = len(paragraph) - sum(found)
    yield from found if rest >= 0 else [len(paragraph)]
    if rest > 0:
        yield rest


def _goes_on(text: str, sentence: tuple[int, int]) -> bool:
    said = text[sentence[0] : sentence[1]]
    if said.endswith("\n"):
        return False
    return bool(_REFERS_ON.search(said) or _NUMBER.fullmatch(said))
