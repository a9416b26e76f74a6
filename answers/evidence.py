"""What a reader is given: numbered pieces of documents, chosen under a budget.

Everything here is plain, frozen data and pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

from ingestion.layout import Box, TextSpan

# A tokenizer of the model's own is not at hand; this many UTF-8 bytes per token is on the
# safe side for English prose and about right for tables of numbers.
BYTES_PER_TOKEN = 3.2
# Vision models of the Qwen-VL kind spend one token per patch of 28 by 28 pixels.
PIXELS_PER_TOKEN = 28 * 28
LARGEST_SHARE = 0.5
SHINGLE_WORDS = 3
DUPLICATE_SHARE = 0.9
# "(It says the same as source [2].)", with the frame around it.
REPEATED_TOKENS = 50
FEWEST_REPEATED_WORDS = 12


@dataclass(frozen=True, slots=True)
class Budget:
    """What a prompt has room for: tokens of evidence, images, and an image's longest side."""

    tokens: int
    images: int = 0
    image_pixels: int = 1024


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of a document as it is shown to the reader and kept with the answer.

    `text` is what may be quoted; `spans` say where its characters stand. `orders` are the
    first and last place in the document's reading order. `source` is the same for documents
    with the same bytes. `crop` and `page_image` are storage names. With `wants_page` the whole
    page is what a reader should see: a scan, or a question about how the page looks. `repeats`
    is the number of an earlier piece, of another document, that says the same (0: none does).
    """

    number: int
    kind: str
    text: str
    document_id: int
    document_title: str
    page: int
    box: Box
    orders: tuple[int, int]
    source: str = ""
    spans: tuple[TextSpan, ...] = ()
    page_label: str = ""
    page_size: tuple[float, float] = (0.0, 0.0)
    heading_path: tuple[str, ...] = ()
    caption: str = ""
    references: str = ""
    crop: str = ""
    crop_size: tuple[int, int] = (0, 0)
    page_image: str = ""
    chunk_id: int | None = None
    collection_id: int | None = None
    scores: dict[str, Any] = field(default_factory=dict)
    wants_page: bool = False
    shown: bool = False
    shows_page: bool = False
    repeats: int = 0

    @property
    def is_marked(self) -> bool:
        """Tell whether it is a place that the person asks about."""
        return bool(self.scores.get("marked"))

    @property
    def image(self) -> str:
        """The storage name of the image that goes with it; empty where none does."""
        if not self.shown:
            return ""
        return self.page_image if self.shows_page else self.crop

    @property
    def image_size(self) -> tuple[int, int]:
        """Pixels; of a page only the proportions are known, and any scale will do."""
        if self.shows_page:
            width, height = self.page_size
            return (round(10 * width), round(10 * height))
        return self.crop_size

    @property
    def tokens(self) -> int:
        if self.repeats:
            return REPEATED_TOKENS
        parts = (self.text, self.caption, self.references, *self.heading_path)
        return estimate_tokens("\n".join(parts)) + 30


def estimate_tokens(text: str) -> int:
    return round(len(text.encode()) / BYTES_PER_TOKEN)


def image_tokens(size: tuple[int, int], longest: int) -> int:
    """Estimate what an image of `size` pixels costs, once no side is over `longest`."""
    width, height = size
    scale = min(1.0, longest / max(width, height, 1))
    return round(width * height * scale * scale / PIXELS_PER_TOKEN)


def cost(piece: Evidence, budget: Budget) -> int:
    """Tokens that a piece takes of the budget, with its image where that is shown."""
    image = image_tokens(piece.image_size, budget.image_pixels) if piece.image else 0
    return piece.tokens + image


def choose(pieces: Iterable[Evidence], budget: Budget) -> list[Evidence]:
    """Take pieces in their order while they fit; a piece that is too large is cut.

    Tables and figures are `shown` (as an image, beside their text) while the budget lasts, and
    so are whole pages where that is wanted, each page once.
    """
    chosen: list[Evidence] = []
    pages: set[str] = set()
    left, images = budget.tokens, budget.images
    for piece in pieces:
        if not (piece.text or piece.caption or piece.references) and not images:
            continue
        largest = max(int(budget.tokens * LARGEST_SHARE), 1)
        fitted = _cut(piece, min(largest, left)) if piece.tokens > largest else piece
        if fitted.tokens > left:
            continue
        with_image = _shown(fitted, pages)
        if with_image.image and images and cost(with_image, budget) <= left:
            fitted, images = with_image, images - 1
            pages |= {fitted.page_image} if fitted.shows_page else set()
        left -= cost(fitted, budget)
        chosen.append(fitted)
    return chosen


def _shown(piece: Evidence, pages: Collection[str]) -> Evidence:
    """With its image: the page where that is wanted and not shown yet, else its crop."""
    if piece.wants_page and piece.page_image and piece.page_image not in pages:
        return replace(piece, shown=True, shows_page=True)
    # What a whole page shows already need not be shown again.
    is_new = bool(piece.crop) and not (piece.wants_page and piece.page_image in pages)
    return replace(piece, shown=is_new)


def balanced(pieces: Iterable[Evidence]) -> list[Evidence]:
    """Take one piece of each document in turn, each document's in their order."""
    by_document: dict[int, list[Evidence]] = {}
    for piece in pieces:
        by_document.setdefault(piece.document_id, []).append(piece)
    rows = zip_longest(*by_document.values())
    return [piece for row in rows for piece in row if piece is not None]


def numbered(pieces: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Number the pieces in order, and note which of them only repeat an earlier one.

    Two documents may say the same, and either may be asked for: each copy has its number and
    can be cited, but the words are given once.
    """
    known: list[tuple[Evidence, frozenset[tuple[str, ...]]]] = []
    result: list[Evidence] = []
    for number, piece in enumerate(pieces, start=1):
        shingles = _shingles(piece.text)
        same = next((o for o, words in known if _repeats(o, words, piece, shingles)), None)
        kept = replace(piece, number=number, repeats=same.number if same else 0)
        if same is None:
            known.append((kept, shingles))
        result.append(kept)
    return tuple(result)


def _repeats(
    other: Evidence,
    known: frozenset[tuple[str, ...]],
    piece: Evidence,
    shingles: frozenset[tuple[str, ...]],
) -> bool:
    long_enough = len(shingles) >= FEWEST_REPEATED_WORDS
    return (
        long_enough
        and other.kind == piece.kind
        and other.document_id != piece.document_id
        # Exactly: "500 dollars" and "600 dollars" differ by one word in a hundred.
        and shingles == known
    )


def join_neighbours(pieces: Iterable[Evidence]) -> list[Evidence]:
    """Make one piece of text chunks that follow each other; it takes the best one's place."""
    joined: list[Evidence] = []
    for piece in pieces:
        place = len(joined)
        while (touching := _first_touching(piece, joined)) is not None:
            piece = _join(joined.pop(touching), piece)
            place = min(place, touching)
        joined.insert(place, piece)
    return joined


def drop_duplicates(pieces: Iterable[Evidence]) -> list[Evidence]:
    """Leave out a piece whose words stand, nearly all, in a better one of the same source.

    Two documents that say the same are both kept: which of them says it may be the question.
    """
    kept: list[tuple[Evidence, frozenset[tuple[str, ...]]]] = []
    for piece in pieces:
        shingles = _shingles(piece.text)
        if not any(_says_it(other, known, piece, shingles) for other, known in kept):
            kept.append((piece, shingles))
    return [piece for piece, _ in kept]


def _first_touching(piece: Evidence, others: Sequence[Evidence]) -> int | None:
    for place, other in enumerate(others):
        if (
            piece.kind == other.kind == "text"
            and piece.document_id == other.document_id
            and (piece.orders[0] - other.orders[1] == 1 or other.orders[0] - piece.orders[1] == 1)
        ):
            return place
    return None


def _join(better: Evidence, other: Evidence) -> Evidence:
    first, second = sorted((better, other), key=lambda piece: piece.orders)
    shift = len(first.text) + 1
    moved = tuple(
        replace(span, start=span.start + shift, end=span.end + shift) for span in second.spans
    )
    return replace(
        better,
        text=f"{first.text}\n{second.text}",
        spans=first.spans + moved,
        orders=(first.orders[0], second.orders[1]),
    )


def _says_it(
    other: Evidence,
    known: frozenset[tuple[str, ...]],
    piece: Evidence,
    shingles: frozenset[tuple[str, ...]],
) -> bool:
    same_source = other.source == piece.source and other.kind == piece.kind
    return bool(
        same_source and shingles and len(shingles & known) >= DUPLICATE_SHARE * len(shingles)
    )


def _shingles(text: str) -> frozenset[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    if not words:
        return frozenset()
    last = max(1, len(words) - SHINGLE_WORDS + 1)
    return frozenset(tuple(words[i : i + SHINGLE_WORDS]) for i in range(last))


def _cut(piece: Evidence, tokens: int) -> Evidence:
    """Keep the beginning of a piece, whole lines of it, so that it costs at most `tokens`."""
    room = piece.tokens - estimate_tokens(piece.text)
    characters = max(0, int((tokens - room) * BYTES_PER_TOKEN))
    head = piece.text.encode()[:characters].decode(errors="ignore")
    text = head if "\n" not in head else head[: head.rindex("\n")]
    return replace(
        piece, text=text, spans=tuple(span for span in piece.spans if span.end <= len(text))
    )
