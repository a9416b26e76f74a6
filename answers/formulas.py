r"""Formulas in texts: $…$ and $$…$$, \(…\) and \[…\], told from amounts of money. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# "\\[12\\]" is a bracket with its escapes; a formula has signs in it.
SIGNED = r"(?=(?:(?!\\\])[\s\S])*?(?:\\[a-zA-Z]|[\^_=<>+]))"
_PATTERN = re.compile(
    r"(?<!\\)\$\$(?P<display>(?:(?!\n[ \t]*\n)[^$])+?)(?<!\\)\$\$"
    rf"|(?<!\\)\\\[{SIGNED}"
    r"(?P<brackets>(?:(?!\\\]|\n[ \t]*\n)[\s\S])+?)\\\]"
    r"|(?<!\\)\\\((?P<round>(?:(?!\\\)|\n[ \t]*\n)[\s\S])+?)\\\)"
    r"|(?<![\\$\d])\$(?![\s$])(?P<inline>(?:\\.|[^$\\\n])+?)(?<!\s)\$(?![\d$])"
)
# A formula says "\text{if}" where it speaks.
_COMMAND = re.compile(r"\\(?:(?:text|operatorname|math|begin|end)\w*\*?\s*\{[^}]*\}|[a-zA-Z]+)")
_WORD = re.compile(r"[^\W\d_]{3,}")
_OPEN_END = re.compile(r"[/,;:(–—]\s*$")
_SCRIPT = re.compile(r"[\^_]\s*(?:\{[^{}]*\}|\S)")


def looks_like_formula(inner: str) -> bool:
    """Tell whether what stands between two dollar signs is a formula and not prose or money."""
    inner = inner.strip()
    said = _COMMAND.sub(" ", inner)
    if len(_WORD.findall(said)) > 1 or _OPEN_END.search(inner):
        return False
    amount = inner[:1].isdigit() or inner[:1] in ".-"
    # "$5 a$": an amount goes on in words, a formula in signs.
    return not (amount and said == inner and re.search(r"\s[^\W\d_]", inner))


def find(text: str) -> Iterator[re.Match[str]]:
    """Yield the formulas of a text with their signs around them, in order."""
    for match in _PATTERN.finditer(text):
        if match["inline"] is None or looks_like_formula(match["inline"]):
            yield match


def blanked(text: str) -> str:
    """The text with its formulas replaced by as many letters, so that places stay the same."""
    return _replaced(text, lambda formula: "x" * len(formula.group()))


def without_display(text: str) -> str:
    """The text with blanks where a formula has lines of its own; places stay the same."""
    blank = re.compile(r"[^\n]")
    return _replaced(
        text,
        lambda found: blank.sub(" ", found.group()) if is_display(found) else found.group(),
    )


def read_out(text: str) -> str:
    """The text with what its formulas share with a text that has none."""
    return _replaced(text, lambda formula: spoken(content(formula)))


def _replaced(text: str, by: Callable[[re.Match[str]], str]) -> str:
    parts: list[str] = []
    start = 0
    for match in find(text):
        parts += [text[start : match.start()], by(match)]
        start = match.end()
    return "".join([*parts, text[start:]])


def is_display(formula: re.Match[str]) -> bool:
    """Tell whether a formula found stands on lines of its own."""
    return formula["display"] is not None or formula["brackets"] is not None


def content(formula: re.Match[str]) -> str:
    """The LaTeX of a formula found."""
    return next(found for found in formula.groups() if found is not None)


def spoken(latex: str) -> str:
    """What is left of a formula to compare with a text: no exponents, indices, or commands."""
    return re.sub(r"[\\{}&]", " ", _COMMAND.sub(" ", _SCRIPT.sub(" ", latex)))
