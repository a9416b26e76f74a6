"""Which letters a font says it has: a sign that it does not name is a guess of the library's.

Subsets of fonts number their letters as they come, and tell by a map to Unicode what each
number means. Where the map leaves a ligature out, the number itself is taken for a letter:
"o@ice". Only fonts without an encoding of their own are looked at: another names its letters.
"""

from __future__ import annotations

import re
from typing import Any

_PAIRS = re.compile(rb"beginbfchar(.*?)endbfchar", re.DOTALL)
_PAIR = re.compile(rb"<[^<>]*>\s*<([^<>]*)>")
_RANGES = re.compile(rb"beginbfrange(.*?)endbfrange", re.DOTALL)
_RANGE = re.compile(rb"<([^<>]*)>\s*<([^<>]*)>\s*(?:<([^<>]*)>|\[([^\]]*)\])")
_STRING = re.compile(rb"<([^<>]*)>")
# Simple fonts number their letters by a byte.
LONGEST_RANGE = 256

Letters = dict[str, frozenset[str]]


def letters_by_font(page: Any) -> Letters:
    """Return the letters that the page's fonts name, by the fonts' names without their tags.

    Fonts that leave none to be guessed, and those without a map, are left out. Of fonts that
    share a name, what any of them names counts.
    """
    found: Letters = {}
    all_told: dict[str, bool] = {}
    for xref, _, kind, name, *_ in page.get_fonts():
        letters = _letters(page.parent, xref) if kind != "Type0" else None
        plain = _plain(name)
        all_told[plain] = all_told.get(plain, True) and letters is not None
        found[plain] = found.get(plain, frozenset()) | (letters or frozenset())
    return {name: letters for name, letters in found.items() if letters and all_told[name]}


def is_guess(char: str, font: str, letters: Letters) -> bool:
    """Tell whether a letter in a font of this name is one that the font does not name."""
    named = letters.get(_plain(font))
    return named is not None and char not in named and not char.isspace()


def _plain(name: str) -> str:
    return name.rpartition("+")[2]


def _letters(document: Any, xref: int) -> frozenset[str] | None:
    """The letters of a font's map; None where it has none, or an encoding beside it."""
    kind, value = document.xref_get_key(xref, "ToUnicode")
    if kind != "xref" or document.xref_get_key(xref, "Encoding")[0] != "null":
        return None
    return letters_of(document.xref_stream(int(value.split()[0])) or b"")


def letters_of(cmap: bytes) -> frozenset[str]:
    """Return all letters that a ToUnicode map maps to.

    Source: Adobe Technical Note 5411, ToUnicode Mapping File Tutorial.
    """
    found: set[str] = set()
    for block in _PAIRS.findall(cmap):
        for target in _PAIR.findall(block):
            found.update(_text(target))
    for block in _RANGES.findall(cmap):
        for first, last, start, listed in _RANGE.findall(block):
            for target in _STRING.findall(listed):
                found.update(_text(target))
            if text := _text(start):
                count = min(_number(last) - _number(first) + 1, LONGEST_RANGE)
                found.update(text[:-1])
                found.update(chr(min(ord(text[-1]) + i, 0x10FFFF)) for i in range(count))
    return frozenset(found)


def _number(digits: bytes) -> int:
    return int.from_bytes(_bytes(digits), "big")


def _text(digits: bytes) -> str:
    return _bytes(digits).decode("utf-16-be", errors="ignore")


def _bytes(digits: bytes) -> bytes:
    """Decode hexadecimal digits as they stand in a file; an odd last one counts as times 16."""
    plain = re.sub(rb"[^0-9A-Fa-f]", b"", digits).decode()
    return bytes.fromhex(plain + "0" * (len(plain) % 2))
