"""However a model writes its citations, they become [n].

Models are asked for [2] and write 【2†source】, (source 2), [Source 2, p. 4], [^2], ^2,
<sup>2</sup> or “Source 2 says” all the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_WORDS = (
    *("source", "sources", "quelle", "quellen", "fuente", "fuentes", "evidence"),
    *("citation", "citations", "ref", "refs", "reference", "references"),
)
_WORD = rf"(?:(?:{'|'.join(sorted(_WORDS, reverse=True))})\b\.?)"
_AND = r"\s*(?:,|;|&|\band\b|\bund\b|\by\b|\bet\b)\s*"
_NUMBER = rf"(?:{_WORD}\s*)?#?\d{{1,3}}(?:\s*[-–]\s*\d{{1,3}})?"
_PLACE = r"(?:\s*[,:]\s*(?:p(?:p|age|ages)?\.?|s\.|seiten?)\s*[\w–-]+)?"
_LIST = rf"{_NUMBER}{_PLACE}(?:{_AND}{_NUMBER}{_PLACE})*"
_MARKED = re.compile(
    # [Source 2, p. 4], [#2], [^2], [n=2]: whatever is more than the plain [2].
    rf"(?<!\\)\[\s*(?:see\s+)?(?:{_WORD}\s*[:#=]?\s*|n\s*=\s*[\"']?|\^|#)"
    rf"(?P<square>{_LIST})[\"']?\s*\](?!\()"
    rf"|(?<!\\)\[(?P<paged>\d{{1,3}}\s*[,:]\s*(?:p(?:p|age|ages)?\.?)\s*[\w–-]+)\](?!\()"
    rf"|\(\s*(?:see\s+)?{_WORD}\s*[:#]?\s*\[?(?P<round>{_LIST})\]?\s*\)"
    # OpenAI's own: 【4:0†report.pdf】 counts messages before the colon in their files alone.
    rf"|【\s*(?:{_WORD}\s*:?\s*)?(?P<lens>{_LIST})(?::\d+)?\s*(?:†[^】\n]{{0,80}})?】"
    rf"|<sup>\s*\[?(?P<raised>{_LIST})\]?\s*</sup>"
    rf"|<source\s+n\s*=\s*[\"']?(?P<tag>\d{{1,3}})[\"']?\s*/?>(?:\s*</source>)?"
    rf"|\b(?P<word>{_WORD})\s+(?P<said>{_LIST})(?![\w%]|[.,]\d|\s*(?:million|billion|percent|per\b))"
    rf"|(?:(?<=[^\W\d_]{{3}})|(?<=[.,;:!?)”\"]))\^\[?(?P<caret>\d{{1,3}})\]?(?=[\s.,;:!?)]|$)",
    re.IGNORECASE,
)
_NUMBERS = re.compile(r"(\d{1,3})(?:\s*([-–])\s*(\d{1,3}))?")
_PAGES = re.compile(r"[,:]\s*(?:p(?:p|age|ages)?\.?|s\.|seiten?)\s*[\w–-]+", re.IGNORECASE)
# Enough to tell whether a line stands in code.
REMEMBERED = 4000
# Behind a citation: " million" tells that it was none.
LOOKED_AHEAD = 9
# What may still become one of those, or be told from one by what follows, is held back.
_OPEN = re.compile(
    rf"(?:[\[(【][^\])】\n]{{0,90}}[\])】]?|<(?!/)[^\n]{{0,40}}|\^\[?\d{{0,3}}\]?"
    rf"|(?:[\[(【]\s*(?:see\s+)?)?\b{_WORD}\s*[:#]?\s*\[?(?:\d[^\n]{{0,60}})?)$",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"(?<!\w)[a-z]{1,10}$", re.IGNORECASE)


class Plainly:
    """Rewrites the citations of an answer that comes in pieces.

    A bare "^2" or "source 2" counts only where a source of that number was given: it may mean
    something else. In code and formulas nothing is changed.
    """

    def __init__(self, given: Collection[int]) -> None:
        self._given = frozenset(given)
        self._before = ""
        self._held = ""

    def take(self, piece: str) -> str:
        """Return what is ready after this piece; what may become a citation waits."""
        self._held += piece
        cut = _settled(self._held)
        ready, self._held = self._held[:cut], self._held[cut:]
        return self._rewritten(ready)

    def rest(self) -> str:
        """Return what still waits, at the end of the answer."""
        ready, self._held = self._held, ""
        return self._rewritten(ready)

    def _rewritten(self, text: str) -> str:
        rewritten = _rewritten(self._before, text, self._given)
        self._before = (self._before + text)[-REMEMBERED:]
        return rewritten


def _settled(text: str) -> int:
    """How much of a growing text is known to be no part of a citation that goes on."""
    start = 0
    while found := _OPEN.search(text, start):
        match = _MARKED.match(text, found.start())
        if match is None or len(text) - match.end() < LOOKED_AHEAD:
            return found.start()
        start = match.end()
    word = _LAST_WORD.search(text, start)
    goes_on = word and any(one.startswith(word.group().lower()) for one in _WORDS)
    return word.start() if word and goes_on else len(text)


def _rewritten(before: str, text: str, given: Collection[int]) -> str:
    parts: list[str] = []
    start = 0
    for match in _MARKED.finditer(before + text, len(before)):
        found = match.start() - len(before)
        if not _is_prose(before + text[:found]):
            continue
        markers = _markers(match, given)
        if markers is None:
            continue
        parts += [text[start:found], markers]
        start = match.end() - len(before)
    return "".join([*parts, text[start:]])


def _markers(match: re.Match[str], given: Collection[int]) -> str | None:
    written = next(found for name, found in match.groupdict().items() if found and name != "word")
    numbers = _numbers(_PAGES.sub("", written))
    if (match["caret"] or match["word"]) and not set(numbers) <= set(given):
        return None
    markers = "".join(f"[{number}]" for number in numbers)
    return f"{match['word']} {markers}" if match["word"] else markers


def _numbers(written: str) -> list[int]:
    found: list[int] = []
    for first, _, last in _NUMBERS.findall(written):
        low, high = int(first), int(last or first)
        found += [n for n in range(low, min(high, low + 20) + 1) if n not in found]
    return found


def _is_prose(before: str) -> bool:
    """Tell whether what follows stands in no code and no formula."""
    if len(re.findall(r"^\s*(?:```|~~~)", before, re.MULTILINE)) % 2:
        return False
    line = before.rsplit("\n", 1)[-1]
    opened = line.count(r"\(") + line.count(r"\[") - line.count(r"\)") - line.count(r"\]")
    return line.count("`") % 2 == 0 and opened <= 0 and not _in_dollars(line)


def _in_dollars(line: str) -> bool:
    return len(re.findall(r"(?<!\\)\$(?!\d)", line)) % 2 == 1
