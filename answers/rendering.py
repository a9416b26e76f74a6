"""Markdown of an answer becomes safe HTML, with its citation markers as buttons."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from html import escape

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from answers.markers import MARKER, OPEN_MARKER, numbers_of

# Links and images are left out on purpose: a planted instruction could make the model write
# one that carries what it read to somebody else's server.
ALLOWED_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "code"),
    *("ul", "ol", "li", "strong", "em", "s", "sub", "sup", "button", "span", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ALLOWED_ATTRIBUTES = {
    "button": {"type", "class", "data-citation", "aria-label"},
    "span": {"class", "title"},
    "div": {"class", "tabindex"},
    "code": {"class"},
    "ol": {"start"},
    "th": {"style"},
    "td": {"style"},
}


def render_answer(markdown: str, numbers: Collection[int]) -> str:
    """Render an answer as sanitised HTML; [n] becomes a button where n is in `numbers`.

    A marker to another number is marked as naming no source. Without numbers nothing can be
    a marker: the brackets are text.
    """
    return "\n".join(_render_blocks(markdown, numbers))


def render_blocks(markdown: str, numbers: Collection[int]) -> list[str]:
    """Render an answer that is still growing: one piece of HTML per top-level block.

    Earlier blocks stay as they are while text is added, so only the last needs replacing.
    A marker that is cut off at the end is held back.
    """
    return list(_render_blocks(OPEN_MARKER.sub("", markdown), numbers))


def _render_blocks(markdown: str, numbers: Collection[int]) -> Iterator[str]:
    parser = _parser()
    env = {"numbers": frozenset(numbers)}
    for block in _top_level(parser.parse(markdown, env)):
        yield _clean(parser.renderer.render(block, parser.options, env)).strip()


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
        filter_style_properties={"text-align"},
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
    # Before "text_join", where an escaped bracket is still a token of its own: "\\[1\\]" in a
    # quoted paper is the paper's own reference.
    parser.core.ruler.before("text_join", "citations", _mark_citations)
    parser.add_render_rule("table_open", _open_table)
    parser.add_render_rule("table_close", _close_table)
    return parser


def _open_table(*_args: object) -> str:
    # A wide table scrolls in its own box, which the keyboard can reach.
    return '<div class="table-scroll" tabindex="0"><table>\n'


def _close_table(*_args: object) -> str:
    return "</table></div>\n"


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
