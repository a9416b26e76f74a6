"""Words some letters of which the file does not tell: found, and filled from what OCR saw.

Fonts without a map to Unicode leave single glyphs without a meaning, ligatures most of all:
"e\ufffdcient". What stands around the hole tells which of the words seen there it is in.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ingestion.raw_page import Word

UNKNOWN = "\ufffd"
# A word with fewer known letters than this says too little of what stands in its hole.
FEWEST_LETTERS = 2
# What stands in a hole: a letter, a sign, or a ligature.
_FILLING = r"(\S{1,3})"
# A glyph that the file numbers apart stands for what most of its holes were filled with.
ENOUGH_VOTES, MAJORITY = 2, 0.6


def is_odd(char: str) -> bool:
    """Tell a character that stands for no known sign."""
    return char == UNKNOWN or unicodedata.category(char) in ("Co", "Cn")


def has_hole(word: Word) -> bool:
    """Tell a word of letters in which a sign is not known."""
    text = word.text
    if text.isascii() or sum(map(str.isalpha, text)) < FEWEST_LETTERS:
        return False
    return any(is_odd(c) and _beside_letter(text, at) for at, c in enumerate(text))


def _beside_letter(text: str, at: int) -> bool:
    return any(c.isalpha() for c in (*text[max(0, at - 1) : at], *text[at + 1 : at + 2]))


def filled(words: Sequence[Word], seen: Sequence[Word]) -> tuple[Word, ...]:
    """Return the words with their holes filled by what OCR has `seen` at the same place.

    Where it saw something else than the known letters around a hole, the hole stays, unless
    the glyph in it was told elsewhere on the page.
    """
    found = [_filling(word, seen) if has_hole(word) else None for word in words]
    told = _told(
        pair
        for word, filling in zip(words, found, strict=True)
        for pair in zip(filter(is_odd, word.text), filling or (), strict=False)
    )
    return tuple(
        _with(word, filling, told) if has_hole(word) else word
        for word, filling in zip(words, found, strict=True)
    )


def _filling(word: Word, seen: Sequence[Word]) -> tuple[str, ...] | None:
    there = [other for other in seen if _stand_together(word, other)]
    text = "".join(other.text for other in sorted(there, key=lambda other: other.box.x0))
    pattern = "".join(_FILLING if is_odd(c) else re.escape(c) for c in word.text)
    match = re.search(pattern, text)
    return match.groups() if match else None


def _stand_together(word: Word, other: Word) -> bool:
    """Tell whether two words share a line, and half the width of the narrower one."""
    shared = min(word.box.x1, other.box.x1) - max(word.box.x0, other.box.x0)
    return (
        shared > min(word.box.width, other.box.width) / 2
        and other.box.y0 < word.box.center[1] < other.box.y1
    )


def _told(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what each glyph stands for, by the votes of the holes that were filled."""
    votes: dict[str, Counter[str]] = {}
    for glyph, letters in pairs:
        votes.setdefault(glyph, Counter())[letters] += 1
    # All that the library does not know is one character to it, whatever the glyph.
    votes.pop(UNKNOWN, None)
    return dict(_majorities(votes))


def _majorities(votes: dict[str, Counter[str]]) -> Iterator[tuple[str, str]]:
    for glyph, counted in votes.items():
        letters, count = counted.most_common(1)[0]
        if count >= ENOUGH_VOTES and count >= MAJORITY * counted.total():
            yield glyph, letters


def _with(word: Word, filling: tuple[str, ...] | None, told: dict[str, str]) -> Word:
    left = list(filling or ())
    text = ""
    for char in word.text:
        own = left.pop(0) if is_odd(char) and left else char
        text += told.get(char, own) if is_odd(char) else char
    return replace(word, text=text, parts=()) if text != word.text else word
