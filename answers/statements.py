"""An answer's Markdown cut into the statements that it makes, with what each one cites. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from answers import formulas, rendering
from answers.markers import MARKER, find_markers, without_markers
from answers.words import content_words
from ingestion.sentences import sentence_ranges

_PREFIX = re.compile(r"\s*(?:>\s*)*(?:[-*+•]\s+|\d{1,9}[.)]\s+)?(?:\[[ xX]\]\s+)?")
_SKIPPED = re.compile(r"\s*(?:>\s*)*(?:#{1,6}\s|[-*_=\s]{3,}$|\|?[\s:|-]+\|?\s*$)")
_KEPT_BREAK = re.compile(r"(?<!\\)\\$")
_MARKUP = re.compile(r"\\([\\`*_\[\]<>|~#&$.)+-])|[*_`~]{1,3}")
# What an answer says about its sources as a whole is no statement of theirs.
_ABOUT_SOURCES = re.compile(
    r"\b(sources?|documents?|evidence|passages?|context|information|excerpts?)\b.{0,40}?"
    r"\b(do(es)? not|don[’']t|doesn[’']t|did not|cannot|no)\b"
    r"|\b(not|no) (contain|mention|provide|state|specif|found|enough|information|answer)",
    re.IGNORECASE,
)
_POINTS_AT_SOURCES = re.compile(r"^(see|source|sources|reference|references)\b", re.IGNORECASE)

Kind = Literal["sentence", "row"]


@dataclass(frozen=True, slots=True)
class Statement:
    """Characters [start, end) of the answer: `text` is what they say, without any markup.

    `cited` are the numbers of the sources that it names or, where it names none, that the
    sentences around it in its paragraph do.
    """

    start: int
    end: int
    text: str
    cited: tuple[int, ...]
    kind: Kind = "sentence"


def statements(answer: str) -> list[Statement]:
    """Return every sentence and table row of the answer that says something, in order.

    Left out: headings, code, a line that only leads in to what follows, and what is said
    about the sources as a whole ("The sources do not mention it.").
    """
    found: list[Statement] = []
    before: tuple[int, ...] = ()
    code = rendering.code_lines(answer)
    # A formula on lines of its own belongs to the sentence before it.
    answer = formulas.without_display(answer)
    for block in _blocks(answer, code):
        own = [statement for start, end in block for statement in _line(answer, start, end)]
        lead_in = _numbers(answer[block[0][0] : block[0][1]]) or before
        found += _inherited(own, lead_in if _is_list(answer, block) else ())
        before = _numbers(answer[block[0][0] : block[-1][1]])
    return [statement for statement in found if _claims(statement)]


def speaks_of_sources(answer: str) -> bool:
    """Tell whether an answer says of its sources what they do not hold, as a refusal does."""
    return bool(_ABOUT_SOURCES.search(answer))


def plain(text: str) -> str:
    """Return what a piece of an answer says: no markers, no emphasis, no escapes."""
    text = formulas.read_out(without_markers(text))
    return " ".join(_MARKUP.sub(lambda m: m[1] or "", text).split())


def _blocks(answer: str, code: Collection[int]) -> Iterator[list[tuple[int, int]]]:
    """Runs of lines that are neither blank nor `code`, as ranges."""
    block: list[tuple[int, int]] = []
    start = 0
    for number, line in enumerate(answer.split("\n")):
        end = start + len(line)
        if line.strip() and number not in code:
            block.append((start, end))
        elif block:
            yield block
            block = []
        start = end + 1
    if block:
        yield block


def _line(answer: str, start: int, end: int) -> Iterator[Statement]:
    line = answer[start:end]
    if _SKIPPED.match(line) or _is_table_head(answer, end):
        return
    if line.lstrip().startswith("|"):
        yield _row(answer, start, end)
        return
    start += len(_PREFIX.match(line)[0])  # type: ignore[index]
    # A line break that Markdown keeps is no part of what is said.
    line = _KEPT_BREAK.sub("", answer[start:end])
    # Blank markers end up with the sentence before them, wherever its full stop is.
    masked = MARKER.sub(lambda match: " " * len(match.group()), formulas.blanked(line))
    for first, last in sentence_ranges(masked):
        said = line[first:last]
        first += len(said) - len(said.lstrip())
        last -= len(said) - len(said.rstrip())
        text = plain(line[first:last])
        if text.endswith(":") and not _numbers(said):
            continue
        yield Statement(start + first, start + last, text, _numbers(said))


def _row(answer: str, start: int, end: int) -> Statement:
    line = answer[start:end]
    inner_start = start + line.index("|") + 1
    inner_end = start + line.rindex("|") if line.rstrip().endswith("|") else end
    inner_end = max(inner_start, inner_end)
    said = answer[inner_start:inner_end]
    cells = (plain(cell) for cell in re.split(r"(?<!\\)\|", said))
    first = inner_start + len(said) - len(said.lstrip())
    last = inner_end - (len(said) - len(said.rstrip()))
    text = " | ".join(cell for cell in cells if cell)
    return Statement(first, max(first, last), text, _numbers(said), "row")


def _is_table_head(answer: str, end: int) -> bool:
    following = answer[end + 1 :].partition("\n")[0]
    return "|" in following and "-" in following and not following.strip(" |:->")


def _is_list(answer: str, block: list[tuple[int, int]]) -> bool:
    first = answer[block[0][0] : block[0][1]]
    last = answer[block[-1][0] : block[-1][1]]
    return any(
        bool((_PREFIX.match(line) or [""])[0].strip(" >")) or line.lstrip().startswith("|")
        for line in (first, last)
    )


def _inherited(own: list[Statement], lead_in: tuple[int, ...]) -> list[Statement]:
    """Give a statement that names no source those of the next one that does, else the last."""
    result: list[Statement] = []
    following = lead_in
    for statement in reversed(own):
        following = statement.cited or following
        result.append(replace(statement, cited=statement.cited or following))
    result.reverse()
    before: tuple[int, ...] = ()
    for place, statement in enumerate(result):
        before = statement.cited or before
        result[place] = replace(statement, cited=statement.cited or before)
    return result


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(n for marker in find_markers(text) for n in marker.numbers))


def _claims(statement: Statement) -> bool:
    text = statement.text
    if not content_words(text) or text.endswith("?"):
        return False
    return not (_ABOUT_SOURCES.search(text) or _POINTS_AT_SOURCES.match(text)) or bool(
        statement.cited and not _ABOUT_SOURCES.search(text)
    )
