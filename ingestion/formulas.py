"""Formulas as LaTeX, by where their signs stand: above, below, raised, or lowered.

Only what the text layer draws can be told; where a region is no formula, or holds more than
its signs' places explain, there is no LaTeX and its lines stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ingestion.layout import Box
from ingestion.lines import bounding_box
from ingestion.raw_page import Word

MOST_WORDS = 80
# In font sizes: signs on the line are this near to its baseline; scripts are this much
# smaller; what is raised or lowered further is above or below the line.
ON_LINE, SCRIPT_SIZE, SCRIPT_OFFSET = 0.15, 0.85, 0.6
# Nothing of a formula stands farther from the baseline of a line of it, in font sizes.
FARTHEST = 1.9
# The limits of a large operator end at most this far behind it, in font sizes.
LIMITS = 0.9

RELATIONS = frozenset("=≠≈≡≤≥<>→∝∈⊂⊆∼≅↦⇒")
LARGE = {"∫": r"\int", "∑": r"\sum", "∏": r"\prod", "⋃": r"\bigcup", "⋂": r"\bigcap"}
SIGNS = LARGE | {
    "−": "-", "×": r"\times", "⋅": r"\cdot", "·": r"\cdot", "±": r"\pm", "∓": r"\mp",
    "÷": r"\div", "≠": r"\neq", "≈": r"\approx", "≡": r"\equiv", "≤": r"\leq", "≥": r"\geq",
    "→": r"\rightarrow", "⇒": r"\Rightarrow", "↦": r"\mapsto", "∝": r"\propto", "∈": r"\in",
    "∉": r"\notin", "⊂": r"\subset", "⊆": r"\subseteq", "∪": r"\cup", "∩": r"\cap",
    "∼": r"\sim", "≅": r"\cong", "∇": r"\nabla", "∂": r"\partial", "∞": r"\infty",
    "√": r"\sqrt", "∀": r"\forall", "∃": r"\exists", "∅": r"\emptyset", "ℏ": r"\hbar",
    "ℓ": r"\ell", "†": r"\dagger", "⊗": r"\otimes", "⊕": r"\oplus", "∘": r"\circ",
    "…": r"\ldots", "⋯": r"\cdots", "∥": r"\|", "⟨": r"\langle", "⟩": r"\rangle",
    "∧": r"\wedge", "∨": r"\vee", "¬": r"\neg", "∗": "*", "′": "'",
}  # fmt: skip
# fmt: off
FUNCTIONS = frozenset((
    "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "arcsin", "arccos",
    "arctan", "log", "ln", "exp", "lim", "max", "min", "sup", "inf", "arg", "det", "gcd",
))
# fmt: on
_GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER (?:FINAL )?(\w+)|GREEK (\w+) SYMBOL")
_SPOKEN = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class _Sign:
    text: str
    box: Box
    origin: float
    size: float


@dataclass(frozen=True, slots=True)
class _Line:
    """Signs along a baseline, from left to right; `size` is that of the signs on it."""

    signs: tuple[_Sign, ...]
    origin: float
    size: float


def latex_lines(words: Sequence[Word], *, certain: bool = False) -> list[tuple[str, Box]] | None:
    """Return a formula's lines as LaTeX with their boxes, or None if it is no formula.

    With `certain` it is known to be one, and may hold words; else it must look like one: a
    relation on every line, nothing spoken, and something raised, lowered or stacked.
    """
    signs = [sign for word in words for sign in _signs(word)]
    if not 3 <= len(signs) <= MOST_WORDS or not all(word.upright for word in words):
        return None
    if any(unicodedata.category(c) in ("Co", "Cn") for sign in signs for c in sign.text):
        return None
    if not certain and any(_is_spoken(sign.text) for sign in signs):
        return None
    lines = _lines(signs)
    if not lines or all(_is_flat(line) for line in lines):
        return None
    return [(_rendered(line), bounding_box(sign.box for sign in line.signs)) for line in lines]


def _signs(word: Word) -> list[_Sign]:
    parts = word.parts or (word,)
    return [_Sign(part.text, part.box, part.origin, part.size) for part in parts]


def _is_spoken(text: str) -> bool:
    return any(found not in FUNCTIONS for found in _SPOKEN.findall(text))


def _lines(signs: Sequence[_Sign]) -> list[_Line]:
    """Share the signs out among the baselines on which relations stand; none if some are left."""
    size = max((sign.size for sign in signs if _relates(sign.text)), default=0.0)
    relations = sorted(
        sign.origin for sign in signs if sign.size > SCRIPT_SIZE * size and _relates(sign.text)
    )
    baselines: list[float] = []
    for origin in relations:
        if not baselines or origin - baselines[-1] > ON_LINE * size:
            baselines.append(origin)
    shares: list[list[_Sign]] = [[] for _ in baselines]
    for sign in signs:
        # Half a capital's height above the baseline is the axis that fractions stand around.
        distance, index = min(
            ((abs(sign.origin - origin), i) for i, origin in enumerate(baselines)),
            default=(float("inf"), 0),
        )
        if distance > FARTHEST * size:
            return []
        shares[index].append(sign)
    return [
        _Line(tuple(sorted(share, key=lambda sign: sign.box.x0)), origin, size)
        for share, origin in zip(shares, baselines, strict=True)
    ]


def _relates(text: str) -> bool:
    return any(char in RELATIONS for char in text)


def _offset(sign: _Sign, line: _Line) -> float:
    """How far above the line's baseline a sign stands, in font sizes; below is negative."""
    return (line.origin - sign.origin) / line.size


def _is_flat(line: _Line) -> bool:
    return all(abs(_offset(sign, line)) < ON_LINE for sign in line.signs)


# --- LaTeX -----------------------------------------------------------------------------------


def _rendered(line: _Line) -> str:
    parts: list[str] = []
    left = list(line.signs)
    while left:
        sign = left.pop(0)
        offset = _offset(sign, line)
        if sign.text[-1:] in LARGE:
            parts.append(_text(sign.text) + _limits(sign, left, line))
        elif abs(offset) < ON_LINE:
            parts.append(_text(sign.text))
        elif abs(offset) < SCRIPT_OFFSET:
            script = [sign]
            while left and _is_beside(left[0], script[-1], line):
                script.append(left.pop(0))
            parts.append(_script(offset, script))
        else:
            parts.append(_stacked(sign, left, line))
    return _spaced(parts)


def _taken(left: list[_Sign], wanted: Callable[[_Sign], bool]) -> list[_Sign]:
    """Take the wanted signs out of those that are left."""
    found = [sign for sign in left if wanted(sign)]
    left[:] = [sign for sign in left if not wanted(sign)]
    return found


def _limits(operator: _Sign, left: list[_Sign], line: _Line) -> str:
    reach = operator.box.x1 + LIMITS * line.size

    def belongs(sign: _Sign) -> bool:
        small = sign.size < SCRIPT_SIZE * line.size
        return small and sign.box.x0 < reach and abs(_offset(sign, line)) > 2 * ON_LINE

    found = _taken(left, belongs)
    below = [sign for sign in found if _offset(sign, line) < 0]
    above = [sign for sign in found if _offset(sign, line) > 0]
    return (_script(-1, below) if below else "") + (_script(1, above) if above else "")


def _is_beside(sign: _Sign, last: _Sign, line: _Line) -> bool:
    """Tell whether a sign goes on with the script that the last one belongs to."""
    near = abs(sign.origin - last.origin) < ON_LINE * line.size
    return near and sign.box.x0 - last.box.x1 < ON_LINE * line.size


def _stacked(first: _Sign, left: list[_Sign], line: _Line) -> str:
    """Take what stands above and below the same stretch of the line: a fraction."""
    group = [first]
    reach = first.box
    while joined := _taken(left, partial(_meets, reach=reach, line=line)):
        group += joined
        reach = bounding_box(sign.box for sign in group)
    above = [sign for sign in group if _offset(sign, line) > 0]
    below = [sign for sign in group if _offset(sign, line) < 0]
    if above and below:
        return rf"\frac{{{_inner(above)}}}{{{_inner(below)}}}"
    return _script(_offset(first, line), group)


def _meets(sign: _Sign, *, reach: Box, line: _Line) -> bool:
    gap = 0.25 * line.size
    beside = sign.box.x0 < reach.x1 + gap and sign.box.x1 > reach.x0 - gap
    return beside and abs(_offset(sign, line)) >= ON_LINE


def _script(offset: float, signs: Sequence[_Sign]) -> str:
    return ("^" if offset > 0 else "_") + f"{{{_inner(signs)}}}"


def _inner(signs: Sequence[_Sign]) -> str:
    """Render signs that stand off the line on a baseline of their own."""
    size = max(sign.size for sign in signs)
    large = [sign for sign in signs if sign.size > SCRIPT_SIZE * size]
    origin = Counter(sign.origin for sign in large).most_common(1)[0][0]
    return _rendered(_Line(tuple(sorted(signs, key=lambda s: s.box.x0)), origin, size))


def _text(text: str) -> str:
    if _is_spoken(text):
        return rf"\text{{{text}}}"
    return _spaced([_sign(part) for part in re.findall(r"[^\W\d_]{2,}|\s+|.", text)])


def _sign(text: str) -> str:
    if text in FUNCTIONS:
        return f"\\{text}"
    return "".join(_spaced([_char(char) for char in unicodedata.normalize("NFKC", text)]))


def _char(char: str) -> str:
    if char in SIGNS:
        return SIGNS[char]
    if char in "%&#_{}$":
        return f"\\{char}"
    greek = _GREEK.match(unicodedata.name(char, ""))
    if not greek:
        return char
    name = (greek.group(2) or greek.group(3)).lower().replace("lamda", "lambda")
    return "\\" + (name.capitalize() if greek.group(1) == "CAPITAL" else name)


def _spaced(parts: Sequence[str]) -> str:
    """Join parts; a command and a letter after it are kept apart."""
    joined = ""
    for part in parts:
        command = re.search(r"\\[a-zA-Z]+$", joined)
        joined += (" " if command and part[:1].isalpha() else "") + part
    return joined
