"""Which letters a font says it has: a sign that it does not name is a guess of the library's.

Subsets of fonts number their letters as they come, and tell by a map to Unicode what each
number means. Where the map leaves a ligature out, the number itself is taken for a letter:
"o@ice". Only fonts without an encoding of their own are looked at: another names its letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ingestion.text_repair import clean

_PAIRS = re.compile(rb"beginbfchar(.*?)endbfchar", re.DOTALL)
_PAIR = re.compile(rb"<([^<>]*)>\s*<([^<>]*)>")
_RANGES = re.compile(rb"beginbfrange(.*?)endbfrange", re.DOTALL)
_RANGE = re.compile(rb"<([^<>]*)>\s*<([^<>]*)>\s*(?:<([^<>]*)>|\[([^\]]*)\])")
_STRING = re.compile(rb"<([^<>]*)>")
# Simple fonts number their letters by a byte.
NUMBERS = 256
# Where a file says itself what stands there, the library takes that for the letters drawn.
_SAID_ITSELF = b"/ActualText"


@dataclass(frozen=True, slots=True)
class FontMap:
    """What a font's map to Unicode tells: the numbers that it names, and their letters."""

    numbers: frozenset[int]
    letters: frozenset[str]

    def __or__(self, other: FontMap) -> FontMap:
        return FontMap(self.numbers | other.numbers, self.letters | other.letters)


FontMaps = dict[str, FontMap]


def font_maps(page: Any) -> FontMaps:
    """Return the maps of the page's fonts, by the fonts' names without their tags.

    Fonts that leave none to be guessed, and those without a map, are left out. Of fonts that
    share a name, what any of them tells counts.
    """
    found: FontMaps = {}
    left_out: set[str] = set()
    for xref, _, kind, name, *_ in page.get_fonts():
        told = _told(page.parent, xref) if kind != "Type0" else None
        if told is None or not told.letters:
            left_out.add(_plain(name))
        else:
            found[_plain(name)] = found.get(_plain(name), told) | told
    return {name: told for name, told in found.items() if name not in left_out}


def is_guess(char: str, font: str, maps: FontMaps) -> bool:
    """Tell whether a letter in a font of this name is the bare number of one without a name."""
    told = maps.get(_plain(font))
    if told is None or char in told.letters or char.isspace():
        return False
    return ord(char) < NUMBERS and ord(char) not in told.numbers


def says_itself(page: Any) -> bool:
    """Tell whether the page says of some of its text what it stands for, whatever the fonts do."""
    return _SAID_ITSELF in page.read_contents()


def _plain(name: str) -> str:
    return name.rpartition("+")[2]


def _told(document: Any, xref: int) -> FontMap | None:
    """What a font's map tells; None where it has none, or an encoding beside it."""
    kind, value = document.xref_get_key(xref, "ToUnicode")
    if kind != "xref" or document.xref_get_key(xref, "Encoding")[0] != "null":
        return None
    return read_map(document.xref_stream(int(value.split()[0])) or b"")


def read_map(cmap: bytes) -> FontMap:
    """Read a ToUnicode map. Ligatures count as the letters that they are spelt with, too.

    Source: Adobe Technical Note 5411, ToUnicode Mapping File Tutorial.
    """
    numbers: set[int] = set()
    letters: set[str] = set()
    for block in _PAIRS.findall(cmap):
        for number, target in _PAIR.findall(block):
            numbers.add(_number(number))
            letters.update(_text(target))
    for block in _RANGES.findall(cmap):
        for first, last, start, listed in _RANGE.findall(block):
            count = max(0, min(_number(last) - _number(first) + 1, NUMBERS))
            numbers.update(range(_number(first), _number(first) + count))
            for target in _STRING.findall(listed):
                letters.update(_text(target))
            if text := _text(start):
                letters.update(text[:-1])
                letters.update(chr(min(ord(text[-1]) + i, 0x10FFFF)) for i in range(count))
    spelt = {letter for one in letters for letter in clean(one)}
    return FontMap(frozenset(numbers), frozenset(letters | spelt))


def _number(digits: bytes) -> int:
    return int.from_bytes(_bytes(digits), "big")


def _text(digits: bytes) -> str:
    return _bytes(digits).decode("utf-16-be", errors="ignore")


def _bytes(digits: bytes) -> bytes:
    """Decode hexadecimal digits as they stand in a file; an odd last one counts as times 16."""
    plain = re.sub(rb"[^0-9A-Fa-f]", b"", digits).decode()
    return bytes.fromhex(plain + "0" * (len(plain) % 2))
