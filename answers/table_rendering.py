"""How the tables of an answer are shown: in a box that scrolls, with numbers below each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from answers.markers import without_markers

_ALIGNED = {f"text-align:{side}": f"align-{side}" for side in ("left", "center", "right")}
# A number with whatever belongs to it: "(1,234)", "$5.2 m", "12 %", "+0.3 pp".
_NUMBER = re.compile(r"[(+−–-]*\s*[^\W\d_]{0,3}[$€£¥₹]?\s*[\d.,  ’']*\d\s*(%|[^\W\d_]{0,3})\)?")
_EMPTY = re.compile(r"[\s–—-]*|n/?a", re.IGNORECASE)


def add_to(parser: MarkdownIt) -> None:
    """Let a parser that knows tables render them this way."""
    parser.core.ruler.push("alignment", _align)
    parser.add_render_rule("table_open", _open)
    parser.add_render_rule("table_close", _close)


def _open(*_args: object) -> str:
    # A wide table scrolls in its own box, which the keyboard can reach.
    return '<div class="table-scroll" tabindex="0"><table>\n'


def _close(*_args: object) -> str:
    return "</table></div>\n"


def _align(state: StateCore) -> None:
    """Say alignment as a class (a strict content security policy drops styles), and set
    columns of numbers right where the table does not say how they are set.
    """
    for table in _tables(state.tokens):
        rows = _rows(table)
        for column in range(max(map(len, rows), default=0)):
            cells = [row[column] for row in rows if column < len(row)]
            numeric = column > 0 and _is_numeric([said for _, said in cells[1:]])
            for token, _ in cells:
                style = str(token.attrs.pop("style", ""))
                if name := _ALIGNED.get(style, "align-right" if numeric else ""):
                    token.attrs["class"] = name


def _tables(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    table: list[Token] = []
    for token in tokens:
        if token.type == "table_open":
            table = []
        table.append(token)
        if token.type == "table_close":
            yield table


def _rows(table: Sequence[Token]) -> list[list[tuple[Token, str]]]:
    """The cells of each row, with what they say."""
    rows: list[list[tuple[Token, str]]] = []
    for token, following in zip(table, [*table[1:], *table[-1:]], strict=True):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append((token, without_markers(following.content).strip("*_ \u2e22\u2e23")))
    return rows


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if not _EMPTY.fullmatch(cell)]
    return bool(filled) and all(_NUMBER.fullmatch(cell) for cell in filled)
