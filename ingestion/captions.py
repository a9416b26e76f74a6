"""Which caption belongs to which figure, and which sentences speak of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ingestion.layout import Block, Box

# A caption stands at most this far from its figure, in points.
FARTHEST = 60.0
# Text this near above a table, in points, is its title.
LINE_ABOVE = 18.0
_KINDS = {
    "figure": "figure",
    "fig": "figure",
    "figs": "figure",
    "figures": "figure",
    "chart": "chart",
    "charts": "chart",
    "graph": "chart",
    "table": "table",
    "tables": "table",
    "tab": "table",
    "exhibit": "exhibit",
    "exhibits": "exhibit",
    "abbildung": "figure",
    "abb": "figure",
    "tabelle": "table",
    "tableau": "table",
    "tabla": "table",
    "figura": "figure",
    "box": "box",
    "map": "map",
    "plate": "plate",
}
_LABEL = re.compile(
    rf"\b({'|'.join(sorted(_KINDS, key=len, reverse=True))})\.?\s*"
    r"((?:[A-Z][.\-]?)?\d{1,3}(?:[.\-]\d{1,2})*)(?!\d)",
    re.IGNORECASE,
)
_AND_MORE = re.compile(
    r"\s*(?:,|and|&|und|et|y|–|-|to)\s*((?:[A-Z][.\-]?)?\d{1,3}(?:\.\d{1,2})*)\b"
)

_NOTE = re.compile(
    r"(?:notes?|sources?|quellen?|anmerkung(?:en)?|nota|fuentes?|remarques?)\s*:", re.IGNORECASE
)

Label = tuple[str, str]


def label_of(caption: str) -> Label | None:
    """Return what a caption calls its figure, such as ("figure", "3"), or None."""
    match = _LABEL.match(caption.strip())
    return _label(match) if match else None


def labels_in(sentence: str) -> set[Label]:
    """Return every figure that a sentence refers to ("Figures 2 and 3" are two)."""
    found: set[Label] = set()
    for match in _LABEL.finditer(sentence):
        kind, number = _label(match)
        found.add((kind, number))
        end = match.end()
        while more := _AND_MORE.match(sentence, end):
            if not match.group(1).lower().endswith("s"):
                break
            found.add((kind, more.group(1).lower()))
            end = more.end()
    return found


def _label(match: re.Match[str]) -> Label:
    return _KINDS[match.group(1).lower()], match.group(2).lower()


def attach(blocks: Sequence[Block]) -> dict[int, list[int]]:
    """Return, for each table and picture of one page, its captions, all by index.

    A caption goes to the nearest figure above or below that it shares width with, and
    rather to one of the kind that it names.
    """
    figures = [i for i, block in enumerate(blocks) if block.kind in ("table", "picture")]
    attached: dict[int, list[int]] = defaultdict(list)
    for index, block in enumerate(blocks):
        if not _is_caption(block):
            continue
        near = [(d, f) for f in figures if (d := _distance(block, blocks[f])) <= FARTHEST]
        if near:
            attached[min(near)[1]].append(index)
    return dict(attached)


def _is_caption(block: Block) -> bool:
    if block.kind == "caption":
        return True
    # The layout model takes some captions for text or headings; their first word tells.
    short = len(block.lines) <= 4
    return block.kind in ("text", "heading") and short and _starts_with_label(block.text)


def _starts_with_label(text: str) -> bool:
    match = _LABEL.match(text.strip())
    if not match:
        return False
    after = text.strip()[match.end() :]
    # "Figure 3 shows" is a sentence; "Figure 3: Sales" and "Figure 3. Sales" are captions.
    return not after.strip() or after.lstrip()[:1] in ".:-–—|(" or after.lstrip()[:1].isupper()


def _distance(caption: Block, figure: Block) -> float:
    """Points between caption and figure; the kind that the caption names is preferred."""
    label = label_of(caption.text)
    wrong_kind = label is not None and (label[0] == "table") != (figure.kind == "table")
    return _gap(caption.box, figure.box) + (FARTHEST / 2 if wrong_kind else 0.0)


def _gap(caption: Box, figure: Box) -> float:
    beside = max(0.0, caption.x0 - figure.x1, figure.x0 - caption.x1)
    apart = max(0.0, caption.y0 - figure.y1, figure.y0 - caption.y1)
    return apart + beside


def references(sentences: Iterable[str]) -> dict[Label, list[str]]:
    """Collect the sentences that refer to each figure, in the document's order."""
    found: dict[Label, list[str]] = defaultdict(list)
    for sentence in sentences:
        for label in labels_in(sentence):
            found[label].append(" ".join(sentence.split()))
    return dict(found)


def line_above(blocks: Sequence[Block], figure: int) -> list[int]:
    """Return the short text right above a figure: its title and units, where no caption is."""
    below = blocks[figure].box
    found: list[int] = []
    for index in range(figure - 1, max(-1, figure - 3), -1):
        block = blocks[index]
        near = -4.0 <= below.y0 - block.box.y1 <= LINE_ABOVE
        shares = min(block.box.x1, below.x1) > max(block.box.x0, below.x0)
        if block.kind != "text" or len(block.lines) > 2 or not (near and shares):
            break
        found.insert(0, index)
        below = block.box
    return found


def notes_below(blocks: Sequence[Block], figure: int) -> list[int]:
    """Return the notes and sources right below a figure."""
    above = blocks[figure].box
    found: list[int] = []
    for index in range(figure + 1, min(len(blocks), figure + 4)):
        block = blocks[index]
        near = -4.0 <= block.box.y0 - above.y1 <= LINE_ABOVE
        shares = min(block.box.x1, above.x1) > max(block.box.x0, above.x0)
        if block.kind not in ("text", "footnote") or not (near and shares):
            break
        if len(block.lines) > 4 or not _NOTE.match(block.text):
            break
        found.append(index)
        above = block.box
    return found
