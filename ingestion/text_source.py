"""Whether a page's text layer can be believed, and what OCR adds to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ingestion.layout import Box
from ingestion.raw_page import Word

TextState = Literal["good", "missing", "garbled", "partial"]

# Characters that stand for nothing (private use, unassigned, replacement), as a share.
MOST_ODD = 0.2
# No language that is written in Latin letters has fewer vowels than this among them; a
# text that a font maps to the wrong letters has. Shorter texts may be codes or names.
FEWEST_VOWELS, LETTERS_TO_TELL = 0.2, 150
VOWELS = frozenset("aeiouyAEIOUY")
# A page that is mostly one image, with no more text than a stamp or a page number.
COVERING, FEWEST_CHARACTERS = 0.5, 250


def assess(words: Sequence[Word], rasters: Sequence[Box], page: Box) -> TextState:
    """Tell whether the text layer is all there is to read, and readable."""
    text = "".join(word.text for word in words)
    if not text:
        return "missing"
    if is_garbled(text):
        return "garbled"
    covered = max((box.overlap(page) for box in rasters), default=0.0)
    if covered > COVERING * page.area and len(text) < FEWEST_CHARACTERS:
        return "partial"
    return "good"


def is_garbled(text: str) -> bool:
    """Tell text that a broken font encoding made from text that says something."""
    odd = sum(c == "\ufffd" or unicodedata.category(c) in ("Co", "Cn", "Cc") for c in text)
    if odd > MOST_ODD * len(text):
        return True
    letters = [c for c in unicodedata.normalize("NFD", text) if c.isascii() and c.isalpha()]
    if len(letters) < LETTERS_TO_TELL or len(letters) < len(text) / 2:
        return False
    return sum(c in VOWELS for c in letters) < FEWEST_VOWELS * len(letters)


def added(seen: Sequence[Word], words: Sequence[Word]) -> tuple[Word, ...]:
    """Return those of the words `seen` by OCR that the text layer lacks, as runs of their own."""
    runs = 1 + max((word.run for word in words), default=-1)
    return tuple(
        replace(word, run=word.run + runs)
        for word in seen
        if not any(other.box.contains(word.box.center) for other in words)
    )
