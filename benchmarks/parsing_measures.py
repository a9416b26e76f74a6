"""How much of what a page really holds a parser has found."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

Rectangle = tuple[float, float, float, float]
Cells = Sequence[Sequence[str]]
GridPair = tuple[Cells, Cells]
SAME_REGION = 0.5
_LATEX = re.compile(r"\\[a-zA-Z]+\*?|[{}$^\\]")
_FORMULA = re.compile(r"\$([^$\n]{1,120})\$")
_TABULAR = re.compile(
    r"\\(?:begin|end)\{[a-z]+\*?\}(?:\{[|clr\s]*\})?|\\multicolumn\{\d+\}\{[|clr\s]*\}"
)
_TAG = re.compile(r"<[^>]+>")
_RULER = re.compile(r"^\s*\|?[\s:|-]+\|?\s*$", re.MULTILINE)


@dataclass(slots=True)
class Counts:
    """Hits, and what was found and what was there in all."""

    hits: int = 0
    found: int = 0
    there: int = 0

    def add(self, hits: int, found: int, there: int) -> None:
        self.hits += hits
        self.found += found
        self.there += there

    @property
    def precision(self) -> float:
        return self.hits / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.hits / self.there if self.there else 0.0

    @property
    def f1(self) -> float:
        total = self.found + self.there
        return 2 * self.hits / total if total else 0.0


def overlap(one: Rectangle, other: Rectangle) -> float:
    """Return intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared) if areas > shared else 0.0


def matches(found: Sequence[Rectangle], there: Sequence[Rectangle]) -> list[tuple[int, int]]:
    """Pair boxes one to one, the best overlapping first, at an overlap of 0.5 or more."""
    pairs = sorted(
        ((overlap(f, t), i, j) for i, f in enumerate(found) for j, t in enumerate(there)),
        reverse=True,
    )
    taken_found: set[int] = set()
    taken_there: set[int] = set()
    matched = []
    for share, i, j in pairs:
        if share >= SAME_REGION and i not in taken_found and j not in taken_there:
            matched.append((i, j))
            taken_found.add(i)
            taken_there.add(j)
    return matched


def shared_cells(found: Iterable[str], there: Iterable[str]) -> tuple[int, int, int]:
    """Count equal cell texts (white space aside), and the filled cells of each side."""
    one, other = (Counter(filter(None, map(squeezed, texts))) for texts in (found, there))
    return (one & other).total(), one.total(), other.total()


def squeezed(text: str) -> str:
    """Leave out white space and Markdown's emphasis, in compatibility form."""
    text = re.sub(r"<br>|\*\*|[_`~\\]", "", text)
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def formula(text: str) -> str:
    """Return what a formula shows: LaTeX without spaces, braces around one sign, and fonts."""
    fonts = r"\\(?:math(?:bf|rm|it|cal|bb)|text|boldsymbol|left|right)(?![a-zA-Z])|\\[,;!]"
    text = re.sub(fonts, "", text)
    text, before = re.sub(r"\s+|[$]", "", text), ""
    while text != before:
        before, text = text, re.sub(r"\{(\\[a-zA-Z]+|.)\}", r"\1", text)
    return text


def plain(text: str) -> str:
    """Reduce Markdown, HTML or LaTeX to its words."""
    if _TABULAR.search(text):
        text = re.sub(r"(?<!\\)&", " ", _TABULAR.sub(" ", text))
    text = _FORMULA.sub(_without_latex_spaces, text)
    text = _LATEX.sub(" ", _TAG.sub(" ", _RULER.sub(" ", text)))
    text = re.sub(r"[|#*_`~>\[\]]|!\(.*?\)", " ", text)
    # The typographic forms of quotes and dashes are not at stake.
    text = unicodedata.normalize("NFKC", text).translate(str.maketrans("‘’“”–—", "''\"\"--"))
    return " ".join(text.split())


def _without_latex_spaces(match: re.Match[str]) -> str:
    """Close up a formula: LaTeX's spaces mean nothing. Amounts of money are left alone."""
    inner = match.group(1)
    if not re.search(r"[\\^_{]", inner):
        return match.group()
    return re.sub(r"\\[a-zA-Z]+\*?|[\s{}^_\\]", "", inner)


def similarity(one: str, other: str) -> float:
    """Compare word by word, in order: from 0 to 1 (twice the words shared over all words)."""
    first, second = (plain(text).lower().split() for text in (one, other))
    return SequenceMatcher(a=first, b=second, autojunk=False).ratio()


# --- facts -----------------------------------------------------------------------------------


def holds(fact: dict[str, Any], text: str, tables: Sequence[GridPair]) -> bool:
    """Check a fact of olmOCR-bench against a page's text and tables.

    Each table comes twice: as it is, and with cells that span repeated in all that they cover.
    """
    kind = fact["type"]
    if kind == "table":
        return any(_in_table(fact, grid, spread) for grid, spread in tables)
    if kind == "math":
        return formula(fact["math"]) in formula(text)
    said = plain(text)
    allowed = int(fact.get("max_diffs", 0))
    if kind == "order":
        before = place(plain(fact["before"]), said, allowed)
        after = place(plain(fact["after"]), said, allowed, last=True)
        return before is not None and after is not None and before < after
    part = said[-int(fact["last_n"]) :] if fact.get("last_n") else said
    part = part[: int(fact["first_n"])] if fact.get("first_n") else part
    wanted = plain(fact["text"])
    if fact.get("case_sensitive") is False:
        part, wanted = part.lower(), wanted.lower()
    return (place(wanted, part, allowed) is not None) == (kind == "present")


def place(wanted: str, text: str, allowed: int, *, last: bool = False) -> int | None:
    """Return where `wanted` ends in the text with at most so many edits, or None.

    Where it stands more than once, exactly: the first place, or the last.

    Source: Sellers, "The theory and computation of evolutionary distances", 1980.
    """
    if not allowed:
        at = text.rfind(wanted) if last else text.find(wanted)
        return at + len(wanted) if at >= 0 else None
    row = list(range(len(wanted) + 1))
    best: tuple[int, int] | None = None
    for end, char in enumerate(text, start=1):
        previous, row = row, [0] * (len(wanted) + 1)
        for i, other in enumerate(wanted, start=1):
            row[i] = min(previous[i - 1] + (char != other), previous[i] + 1, row[i - 1] + 1)
        if row[-1] <= allowed and (best is None or row[-1] < best[0]):
            best = row[-1], end
    return best[1] if best else None


def _in_table(fact: dict[str, Any], grid: Cells, spread: Cells) -> bool:
    wanted = squeezed(fact["cell"])
    return any(
        squeezed(text) == wanted
        and _beside(fact, grid, row, column)
        and _headed(fact, spread, row, column)
        for row, texts in enumerate(grid)
        for column, text in enumerate(texts)
    )


def _beside(fact: dict[str, Any], grid: Cells, row: int, column: int) -> bool:
    steps = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
    return all(
        squeezed(fact[side]) == _cell(grid, row + down, column + right)
        for side, (down, right) in steps.items()
        if side in fact
    )


def _headed(fact: dict[str, Any], spread: Cells, row: int, column: int) -> bool:
    above = {_cell(spread, at, column) for at in range(row)}
    left = {_cell(spread, row, at) for at in range(column)}
    return ("top_heading" not in fact or squeezed(fact["top_heading"]) in above) and (
        "left_heading" not in fact or squeezed(fact["left_heading"]) in left
    )


def _cell(grid: Cells, row: int, column: int) -> str:
    if 0 <= row < len(grid) and 0 <= column < len(grid[row]):
        return squeezed(grid[row][column])
    return ""
