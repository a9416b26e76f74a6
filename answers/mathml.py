"""LaTeX becomes MathML: the only module that imports latex2mathml."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape
from itertools import accumulate
from xml.etree import ElementTree

# What is longer is no formula that anybody reads, and takes long to convert.
LONGEST = 2000
DEEPEST = 40
TAGS = frozenset(
    """
    math semantics annotation mrow mi mn mo ms mtext mspace msup msub msubsup munder mover
    munderover mfrac msqrt mroot mtable mtr mtd mpadded mphantom mstyle menclose mmultiscripts
    mprescripts none
    """.split()  # noqa: SIM905
)
# No links, styles or colours: nothing that acts, or hides what is written.
_COMMON = frozenset(
    """
    mathvariant stretchy fence form separator lspace rspace accent accentunder displaystyle
    scriptlevel columnalign rowalign rowspacing columnspacing linethickness notation minsize
    maxsize symmetric largeop movablelimits width height depth voffset columnspan rowspan
    """.split()  # noqa: SIM905
)
ATTRIBUTES: dict[str, set[str]] = {tag: set(_COMMON) for tag in TAGS} | {
    "math": {"display"},
    "annotation": {"encoding"},
}
_UNKNOWN = re.compile(r"\\[a-zA-Z]")


# What the converter stumbles over where LaTeX is broken in ways that it has no name for.
UNPREPARED = (LookupError, ValueError, RecursionError, StopIteration, TypeError, AttributeError)


class NoFormula(ValueError):
    """This cannot be read as LaTeX."""


def html_of(latex: str, *, display: bool) -> str:
    """Write a formula as MathML that carries its LaTeX; as code where it cannot be read."""
    try:
        return mathml(latex.strip(), display=display)
    except NoFormula:
        return f'<code class="formula-source">{escape(latex.strip())}</code>'


@lru_cache(maxsize=512)
def mathml(latex: str, *, display: bool) -> str:
    """Convert one formula. Raises NoFormula where it is broken, too long, or not understood."""
    depths = _depths(latex)
    if len(latex) > LONGEST or max(depths) > DEEPEST:
        raise NoFormula("too long")
    # The converter would silently drop what an open brace makes unclear.
    if depths[-1] or min(depths) < 0:
        raise NoFormula("a brace is open")
    math = _converted(latex, "block" if display else "inline")
    for element in math.iter():
        # The converter writes signs as entities, and text as it stands.
        element.text = unescape(element.text) if element.text else None
        if element.tag == "mi" and _UNKNOWN.match(element.text or ""):
            raise NoFormula(f"not understood: {element.text}")
    math.attrib.pop("xmlns", None)
    rows = list(math)
    for row in rows:
        math.remove(row)
    semantics = ElementTree.SubElement(math, "semantics")
    semantics.extend(rows)
    note = ElementTree.SubElement(semantics, "annotation", encoding="application/x-tex")
    note.text = latex
    return ElementTree.tostring(math, encoding="unicode", short_empty_elements=False)


def _depths(latex: str) -> list[int]:
    """How many braces are open after each character, beginning before the first."""
    unescaped = re.sub(r"\\.", "", latex, flags=re.DOTALL)
    return list(accumulate(((c == "{") - (c == "}") for c in unescaped), initial=0))


def _converted(latex: str, display: str) -> ElementTree.Element:
    from latex2mathml import converter, exceptions

    named = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    broken: tuple[type[Exception], ...] = (
        *(kind for kind in named if issubclass(kind, Exception)),
        *UNPREPARED,
    )
    try:
        return converter.convert_to_element(latex, display=display)
    except broken as exc:
        raise NoFormula(str(exc) or type(exc).__name__) from exc
