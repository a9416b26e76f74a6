"""Markdown of an answer becomes safe HTML, with its citation markers as buttons."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from answers import formula_syntax, mathml, table_rendering
from answers.markers import MARKER, OPEN_MARKER, numbers_of

# Links and images are left out on purpose: a planted instruction could make the model write
# one that carries what it read to somebody else's server.
ALLOWED_TAGS = mathml.TAGS | {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code"),
    *("ul", "ol", "li", "strong", "em", "s", "sub", "sup", "button", "span", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ALLOWED_ATTRIBUTES = mathml.ATTRIBUTES | {
    "button": {"type", "class", "title", "data-citation", "aria-label"},
    "span": {"class", "title"},
    "div": {"class", "tabindex"},
    "code": {"class"},
    "ol": {"start"},
    "th": {"class"},
    "td": {"class"},
}
# What stands around a doubted part while its Markdown is parsed: brackets, because Markdown
# reads emphasis beside them as it does beside any punctuation.
OPEN_DOUBT, CLOSE_DOUBT = "\u2e22", "\u2e23"
CODE_BLOCKS = ("fence", "code_block")
_UNDOUBTED = str.maketrans({OPEN_DOUBT: "\u231c", CLOSE_DOUBT: "\u231d"})


@dataclass(frozen=True, slots=True)
class Doubt:
    """Characters [start, end) of an answer that its sources do not bear out, and why.

    With a `source` it is no doubt at all: that source says it, though the answer does not name it.
    """

    start: int
    end: int
    label: str
    why: str
    source: int = 0


def render_answer(
    markdown: str,
    numbers: Collection[int],
    *,
    doubts: Sequence[Doubt] = (),
    typeset: bool = True,
) -> str:
    """Render an answer as sanitised HTML; [n] becomes a button where n is in `numbers`.

    A marker to another number is marked as naming no source. Without numbers nothing can be
    a marker: the brackets are text. `doubts` are underlined, with a label behind each.
    Formulas become MathML; without `typeset`, for what cannot show that, they stay LaTeX.
    """
    marked = _marked(markdown, doubts)
    return "\n".join(_render_blocks(marked, numbers, doubts, typeset=typeset))


def render_passage(text: str) -> str:
    """Render a document's own text: nothing but its formulas is more than text."""
    parser = _plain_parser()
    tokens = parser.parseInline(text, env := {"typeset": True})
    return _clean(parser.renderer.render(tokens, parser.options, env))


def render_blocks(markdown: str, numbers: Collection[int]) -> list[str]:
    """Render an answer that is still growing: one piece of HTML per top-level block.

    Earlier blocks stay as they are while text is added, so only the last needs replacing.
    A marker that is cut off at the end is held back.
    """
    return list(_render_blocks(OPEN_MARKER.sub("", _marked(markdown, ())), numbers))


def code_lines(markdown: str) -> set[int]:
    """The lines of an answer, counted from 0, that it shows as code."""
    tokens = _parser().parse(markdown, _env((), (), typeset=False))
    code = (token.map for token in tokens if token.type in CODE_BLOCKS and token.map)
    return {line for first, end in code for line in range(first, end)}


def _marked(markdown: str, doubts: Sequence[Doubt]) -> str:
    """Put brackets of our own around what is doubted; such brackets of the text give way."""
    markdown = markdown.translate(_UNDOUBTED)
    for doubt in sorted(doubts, key=lambda one: -one.start):
        inner = markdown[doubt.start : doubt.end]
        marked = f"{OPEN_DOUBT}{inner}{CLOSE_DOUBT}"
        markdown = f"{markdown[: doubt.start]}{marked}{markdown[doubt.end :]}"
    return markdown


def _render_blocks(
    markdown: str,
    numbers: Collection[int],
    doubts: Sequence[Doubt] = (),
    *,
    typeset: bool = True,
) -> Iterator[str]:
    parser = _parser()
    env = _env(numbers, doubts, typeset=typeset)
    for block in _top_level(parser.parse(markdown, env)):
        yield _clean(parser.renderer.render(block, parser.options, env)).strip()


def _env(
    numbers: Collection[int], doubts: Sequence[Doubt], *, typeset: bool
) -> MutableMapping[str, Any]:
    # The marks come in the order of the text, one after the other.
    labels = iter(sorted(doubts, key=lambda one: one.start))
    return {
        **{"numbers": frozenset(numbers), "typeset": typeset},
        **{"doubts": labels, "doubt": None, "in_doubt": False},
    }


def _top_level(tokens: list[Token]) -> Iterator[list[Token]]:
    block: list[Token] = []
    depth = 0
    for token in tokens:
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=ALLOWED_TAGS,
        attributes=ALLOWED_ATTRIBUTES,
        url_schemes=set(),
    )


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # Without "lheading" a line of dashes below a growing paragraph cannot turn it into a
    # heading; without "reference" a line "[1]: ..." stays visible.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(
        ["table", "strikethrough"]
    )
    parser.disable(
        ["link", "image", "autolink", "html_inline", "html_block", "reference", "lheading"]
    )
    _add_formulas(parser)
    # Before "text_join", where an escaped bracket is still a token of its own: "\\[1\\]" in a
    # quoted paper is the paper's own reference.
    parser.core.ruler.before("text_join", "citations", _mark_citations)
    parser.core.ruler.push("doubts", _mark_doubts)
    table_rendering.add_to(parser)
    return parser


@lru_cache(maxsize=1)
def _plain_parser() -> MarkdownIt:
    parser = MarkdownIt("zero")
    _add_formulas(parser)
    return parser


def _add_formulas(parser: MarkdownIt) -> None:
    formula_syntax.add_to(parser)
    for name in formula_syntax.TOKENS:
        parser.add_render_rule(name, _formula)


def _formula(
    _renderer: object, tokens: Sequence[Token], place: int, _options: object, env: Any
) -> str:
    token = tokens[place]
    display = token.type in formula_syntax.DISPLAY
    if not env["typeset"]:
        return f"<code>{escape(token.content.strip())}</code>"
    typeset = mathml.html_of(token.content, display=display)
    return f'<div class="formula" tabindex="0">{typeset}</div>\n' if token.block else typeset


def _mark_doubts(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in CODE_BLOCKS:
            _pass_over(token, state.env)
        if token.type == "inline" and token.children:
            token.children = [
                piece for child in token.children for piece in _doubted(child, state.env)
            ]


def _pass_over(token: Token, env: MutableMapping[str, Any]) -> None:
    """Take the marks out of code, which states nothing, and their doubts out of the row."""
    for _ in range(token.content.count(OPEN_DOUBT)):
        next(env["doubts"], None)
    token.content = token.content.replace(OPEN_DOUBT, "").replace(CLOSE_DOUBT, "")


def _doubted(token: Token, env: MutableMapping[str, Any]) -> Iterator[Token]:
    """Wrap what lies between our brackets, each text by itself: so tags always nest."""
    if token.type in formula_syntax.TOKENS:
        # A statement may end within a formula: it is doubted as a whole.
        marks = [mark for mark in token.content if mark in (OPEN_DOUBT, CLOSE_DOUBT)]
        token.content = token.content.replace(OPEN_DOUBT, "").replace(CLOSE_DOUBT, "")
        if env["in_doubt"]:
            yield _token("html_inline", '<span class="doubted">', token.level)
            yield token
            yield _token("html_inline", "</span>", token.level)
        else:
            yield token
        for mark in marks:
            yield from _mark(mark, token, env)
        return
    if token.type not in ("text", "code_inline"):
        yield token
        return
    for part in re.split(f"([{OPEN_DOUBT}{CLOSE_DOUBT}])", token.content):
        if part in (OPEN_DOUBT, CLOSE_DOUBT):
            yield from _mark(part, token, env)
        elif part:
            kept = _with_content(token, part)
            if env["in_doubt"] and part.strip():
                yield _token("html_inline", '<span class="doubted">', token.level)
                yield kept
                yield _token("html_inline", "</span>", token.level)
            else:
                yield kept


def _mark(mark: str, token: Token, env: MutableMapping[str, Any]) -> Iterator[Token]:
    doubt: Doubt | None = next(env["doubts"], None) if mark == OPEN_DOUBT else env["doubt"]
    env["doubt"] = doubt if mark == OPEN_DOUBT else None
    env["in_doubt"] = bool(mark == OPEN_DOUBT and doubt and not doubt.source)
    if mark == CLOSE_DOUBT and doubt:
        label = _found(doubt, env["numbers"]) if doubt.source else _label(doubt)
        yield _token("html_inline", label, token.level)


def _found(doubt: Doubt, numbers: Collection[int]) -> str:
    """A citation that the answer lacks; where markers are text, it is too."""
    if doubt.source not in numbers:
        return f" [{doubt.source}]"
    return (
        f'<button type="button" class="citation citation-found" data-citation="{doubt.source}" '
        f'title="{escape(doubt.why)}" '
        f'aria-label="Source {doubt.source}, {escape(doubt.label)}">{doubt.source}</button>'
    )


def _label(doubt: Doubt) -> str:
    return f'<span class="doubt-label" title="{escape(doubt.why)}">{escape(doubt.label)}</span>'


def _with_content(token: Token, content: str) -> Token:
    return Token(token.type, token.tag, 0, content=content, level=token.level, markup=token.markup)


def _mark_citations(state: StateCore) -> None:
    numbers = state.env["numbers"]
    for token in state.tokens:
        if numbers and token.type == "inline" and token.children:
            token.children = [
                piece for child in token.children for piece in _pieces(child, numbers)
            ]


def _pieces(token: Token, numbers: Collection[int]) -> Iterator[Token]:
    if token.type != "text":
        yield token
        return
    start = 0
    for match in MARKER.finditer(token.content):
        yield _token("text", token.content[start : match.start()], token.level)
        yield _token("html_inline", _buttons(match.group(), numbers), token.level)
        start = match.end()
    yield _token("text", token.content[start:], token.level)


def _token(kind: str, content: str, level: int) -> Token:
    return Token(kind, "", 0, content=content, level=level)


def _buttons(marker: str, numbers: Collection[int]) -> str:
    return "".join(
        f'<button type="button" class="citation" data-citation="{number}" '
        f'aria-label="Source {number}">{number}</button>'
        if number in numbers
        else '<span class="citation-unknown" title="No such source was given">'
        f"[{escape(str(number))}]</span>"
        for number in numbers_of(marker)
    )
