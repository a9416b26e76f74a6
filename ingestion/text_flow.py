"""Lines into running text that remembers where on the pages each part stands."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ingestion.layout import Block, Box, Line, TextSpan

# What a sentence goes on from; the layout model calls the rest of a list's item text.
PARAGRAPHS = ("text", "list_item")
_ENDS = ".!?:;…。！？：；”\"'’)]"
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BROKEN = re.compile(r"[^\W\d_]{2,}-$")
_HYPHEN = re.compile(r"[^\W_]-$")


@dataclass(frozen=True, slots=True)
class Passage:
    """Text, and the places that its parts come from, in order."""

    text: str = ""
    spans: tuple[TextSpan, ...] = ()

    def part(self, start: int, end: int) -> Passage:
        """Cut out [start, end), without white space at either side."""
        while start < end and self.text[start].isspace():
            start += 1
        while end > start and self.text[end - 1].isspace():
            end -= 1
        spans = tuple(
            replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
            for span in self.spans
            if span.start < end and span.end > start
        )
        return Passage(self.text[start:end], spans)

    def __add__(self, other: Passage) -> Passage:
        shift = len(self.text)
        moved = (
            replace(span, start=span.start + shift, end=span.end + shift) for span in other.spans
        )
        return Passage(self.text + other.text, (*self.spans, *moved))

    def place(self) -> tuple[int, Box]:
        """Return the first page and the box around what stands there."""
        page = self.spans[0].page
        box = self.spans[0].box
        for span in self.spans:
            if span.page == page:
                box = box | span.box
        return page, box


class Flow:
    """Builds a passage line by line, mending words that were broken between lines.

    `vocabulary` holds the document's words that stand unbroken within lines: it tells
    whether a hyphen at a line's end belongs to the word.
    """

    def __init__(self, vocabulary: frozenset[str] = frozenset()) -> None:
        self._vocabulary = vocabulary
        self._parts: list[str] = []
        self._spans: list[TextSpan] = []
        self._length = 0
        self._last = ""
        self._last_kind = ""

    @property
    def length(self) -> int:
        return self._length

    def add(self, block: Block, page: int) -> None:
        """Add a block's lines; they start a new paragraph unless they go on with a sentence."""
        for index, line in enumerate(block.lines):
            if index:
                self._add_line(line, page, self._joint(line.text))
            elif not self._parts:
                self._add_line(line, page, "")
            else:
                self._add_line(line, page, self._joint(line.text) if self._goes_on(block) else "\n")
        self._last_kind = block.kind

    def add_text(self, text: str, page: int, box: Box) -> None:
        """Add a paragraph of its own."""
        self._add_line(Line(text, box), page, "\n" if self._parts else "")
        self._last_kind = ""

    def ends_before(self, block: Block, page: int) -> bool:
        """Tell whether a block of a later page does not go on with the last sentence here."""
        return bool(self._spans) and page > self._spans[-1].page and not self._goes_on(block)

    def passage(self) -> Passage:
        return Passage("".join(self._parts), tuple(self._spans))

    def _goes_on(self, block: Block) -> bool:
        first = block.lines[0].text
        return (
            block.kind == "text"
            and self._last_kind in PARAGRAPHS
            and is_unfinished(self._last)
            and (first[:1].islower() or bool(_HYPHEN.search(self._last)))
        )

    def _joint(self, following: str) -> str | None:
        """Return what stands between the last line and the following one.

        None: the last line's hyphen goes, since it broke a word.
        """
        if _BROKEN.search(self._last) and following[:1].islower():
            return "" if self._keeps_hyphen(following) else None
        if self._last.endswith(("-", "–", "—", "/")) and not self._last[-2:-1].isspace():
            return ""
        if _without_spaces(self._last[-1:]) and _without_spaces(following[:1]):
            return ""
        return " "

    def _keeps_hyphen(self, following: str) -> bool:
        before = _last_word(self._last)
        after = _first_word(following)
        whole = f"{before}{after}".lower()
        return f"{before}-{after}".lower() in self._vocabulary and whole not in self._vocabulary

    def _add_line(self, line: Line, page: int, joint: str | None) -> None:
        if joint is None:
            self._drop_hyphen()
            joint = ""
        self._parts.append(joint + line.text)
        start = self._length + len(joint)
        self._length = start + len(line.text)
        self._spans.append(TextSpan(start, self._length, page, line.box))
        self._last = line.text

    def _drop_hyphen(self) -> None:
        self._parts[-1] = self._parts[-1][:-1]
        self._length -= 1
        self._spans[-1] = replace(self._spans[-1], end=self._length)


def is_unfinished(text: str) -> bool:
    """Tell whether text ends in the middle of a sentence."""
    return not text.endswith(tuple(_ENDS))


def goes_on_with_sentence(block: Block) -> bool:
    """Tell whether a block of text begins in the middle of a sentence."""
    return block.kind == "text" and block.text[:1].islower()


def _last_word(line: str) -> str:
    return line.rstrip("-").rpartition(" ")[2].lstrip("(\"'“‘[")


def _first_word(line: str) -> str:
    match = _WORD.match(line)
    return match.group() if match else ""


def _without_spaces(char: str) -> bool:
    """Chinese and Japanese set no spaces between words, nor at the end of lines."""
    return bool(char) and unicodedata.east_asian_width(char) in ("W", "F")


def vocabulary(lines: Iterable[Line]) -> frozenset[str]:
    """Collect the words that stand whole within lines, lower case."""
    words: set[str] = set()
    for line in lines:
        text = line.text.lower()
        words.update(_WORD.findall(text.rpartition(" ")[0] if text.endswith("-") else text))
    return frozenset(words)
