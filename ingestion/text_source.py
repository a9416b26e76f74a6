"""Whether a page's text layer can be believed, and what OCR adds to it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ingestion.holes import has_hole, is_odd
from ingestion.layout import Box
from ingestion.raw_page import Word

TextState = Literal["good", "missing", "garbled", "partial", "doubtful", "holed"]

# Characters that stand for nothing (private use, unassigned, replacement), as a share.
MOST_ODD = 0.2
# No language that is written in Latin letters has fewer vowels than this among them; a
# text that a font maps to the wrong letters has. Shorter texts may be codes or names.
FEWEST_VOWELS, LETTERS_TO_TELL = 0.2, 150
VOWELS = frozenset("aeiouyAEIOUY")
# A page that is mostly one image, with no more text than a stamp or a page number.
COVERING, FEWEST_CHARACTERS = 0.5, 250
# A page that is one image has the text that some program read from it. Where more of it than
# this share looks misread, it is read again, and that is believed where it looks misread half
# as often, says about as much, and is sure of it.
SCANNED, MISREAD = 0.8, 0.02
BETTER, AS_MUCH, SURE = 0.5, 0.7, 0.85
_EDGES = "\u2018\u2019\u201c\u201d.,;:!?()[]{}\"'*%$&+-–—/|=<>•…°"
# Letters and signs mixed, a digit within a word, words run together at a comma or a capital,
# or more letters than words have.
_MISREAD = re.compile(
    r"[^\W\d_].*[^\w\s'’.,/@:&()+°%-]|[^\w\s'’.,/@:&()+°%$€£#-].*[^\W\d_]"
    r"|[a-z]\d[a-z]|\d[a-z]{4}|[a-z]{3}[,;:][A-Za-z]{2}|[a-z]{2}[A-Z][a-z]|[A-Za-z]{21}"
)
_ADDRESS = re.compile(r"@|://|www\.|\.(?:com|org|net|gov|edu)\b", re.IGNORECASE)
# Of other scripts than the Latin one nothing is told.
LAST_LATIN = 0x24F
# More of a word than this tells no more.
LONGEST_WORD = 60


def assess(words: Sequence[Word], rasters: Sequence[Box], page: Box) -> TextState:
    """Tell whether the text layer is all there is to read, and readable.

    Doubtful: it was read from an image, and seems to be misread here and there. Holed: of
    some words not all letters are known.
    """
    text = "".join(word.text for word in words)
    if not text:
        return "missing"
    if is_garbled(text):
        return "garbled"
    covered = max((box.overlap(page) for box in rasters), default=0.0)
    if covered > COVERING * page.area and len(text) < FEWEST_CHARACTERS:
        return "partial"
    if covered > SCANNED * page.area and misread(words) > MISREAD:
        return "doubtful"
    return "holed" if any(map(has_hole, words)) else "good"


def misread(words: Sequence[Word]) -> float:
    """Return the share of the characters, from 0 to 1, that stand in words that are none."""
    total = sum(len(word.text) for word in words)
    wrong = sum(len(word.text) for word in words if _is_misread(word.text))
    return wrong / total if total else 0.0


def _is_misread(text: str) -> bool:
    inner = text[:LONGEST_WORD].strip(_EDGES)
    if not inner or (not text.isascii() and any(ord(c) > LAST_LATIN and c.isalpha() for c in text)):
        return False
    return bool(_MISREAD.search(inner)) and not _ADDRESS.search(inner)


def is_better(seen: Sequence[Word], confidence: float | None, words: Sequence[Word]) -> bool:
    """Tell whether what OCR has `seen` is to be believed rather than the text layer."""
    lengths = [sum(len(word.text) for word in each) for each in (seen, words)]
    return (
        (confidence or 0.0) >= SURE
        and lengths[0] >= AS_MUCH * lengths[1]
        and misread(seen) <= BETTER * misread(words)
    )


def is_garbled(text: str) -> bool:
    """Tell text that a broken font encoding made from text that says something."""
    odd = sum(is_odd(c) or unicodedata.category(c) == "Cc" for c in text)
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
