r"""Formulas as a part of Markdown: $…$, $$…$$, \(…\), \[…\] become tokens of their own."""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.dollarmath.index import math_block_dollar, math_inline_dollar
from mdit_py_plugins.texmath.index import RuleDictType, make_block_func, make_inline_func

from answers.formulas import SIGNED, looks_like_formula

DISPLAY = ("math_inline_double", "math_block")
TOKENS = ("math_inline", *DISPLAY)
_INLINE: list[RuleDictType] = [
    {
        "name": "math_inline",
        "rex": re.compile(r"\\\((.+?)\\\)", re.DOTALL),
        "tag": r"\(",
        "tmpl": "",
    },
    {
        "name": "math_inline_double",
        "rex": re.compile(rf"\\\[{SIGNED}(.+?)\\\]", re.DOTALL),
        "tag": r"\[",
        "tmpl": "",
    },
]
# Never over a blank line: a paragraph that is done must not change while more is written.
_BLOCK: RuleDictType = {
    "name": "math_block",
    "rex": re.compile(rf"\\\[{SIGNED}((?:(?!\\\]|\n[ \t]*\n)[\s\S])+?)\\\][ \t]*(?=\n|$)"),
    "tag": r"\[",
    "tmpl": "",
}
# Digits beside the signs are looked at here: the library takes the last sign of a text to
# stand before its first.
_dollars = math_inline_dollar(allow_space=False, allow_digits=True, allow_double=True)


def add_to(parser: MarkdownIt) -> None:
    """Let a parser find formulas; how they are rendered is for its user to say."""
    parser.inline.ruler.before("escape", "math_dollar", _inline_dollar)
    for place, rule in enumerate(_INLINE):
        parser.inline.ruler.before("escape", f"math_bracket_{place}", make_inline_func(rule))
    for name, block in (
        ("math_dollar", math_block_dollar(allow_labels=False)),
        ("math_bracket", make_block_func(_BLOCK)),
    ):
        parser.block.ruler.before("fence", name, _looking_ahead(block), {"alt": _INTERRUPTED})


_INTERRUPTED = ["paragraph", "blockquote", "list"]
BlockRule = Callable[[StateBlock, int, int, bool], bool]


def _looking_ahead(rule: BlockRule) -> BlockRule:
    """Leave no trace where the parser only asks whether a formula begins here."""

    def asked(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        tokens, line = len(state.tokens), state.line
        found = rule(state, start, end, silent)
        if silent:
            del state.tokens[tokens:]
            state.line = line
        return found

    return asked


def _inline_dollar(state: StateInline, silent: bool) -> bool:
    """The library's rule, but for amounts of money: "$5 in May, a$ more"."""
    start, tokens, pending = state.pos, len(state.tokens), state.pending
    if not _dollars(state, silent):
        return False
    before, after = state.src[:start][-1:], state.src[state.pos : state.pos + 1]
    inner = state.src[start : state.pos].strip("$")
    is_double = state.src.startswith("$$", start)
    if is_double or (not (before.isdigit() or after.isdigit()) and looks_like_formula(inner)):
        return True
    del state.tokens[tokens:]
    state.pos, state.pending = start, pending
    return False
