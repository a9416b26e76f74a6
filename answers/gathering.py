"""Hits become evidence: what was found, its neighbours, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from answers import asking
from answers.evidence import (
    Budget,
    Evidence,
    balanced,
    choose,
    cost,
    drop_duplicates,
    join_neighbours,
    numbered,
)
from ingestion.layout import Box, TextSpan
from ingestion.models import Chunk, ChunkKind

if TYPE_CHECKING:
    from retrieval.search import Hit

# The passages before and after the best few: an answer often goes on past a chunk's end.
WIDENED = 3
SCANNED = ("ocr", "mixed")


def gather(hits: Sequence[Hit], budget: Budget, *, question: str = "") -> tuple[Evidence, ...]:
    """Turn ranked hits into numbered evidence that fits the budget, best first.

    Of several documents that the question compares, each has its turn. The image of the whole
    page goes along where the page is a scan, or the question asks how it looks.
    """
    by_looks = asking.about_layout(question)
    pieces = [from_chunk(hit.chunk, scores=scores_of(hit)) for hit in hits]
    pieces = [replace(piece, wants_page=piece.wants_page or by_looks) for piece in pieces]
    joined = join_neighbours(drop_duplicates(pieces))
    chosen = choose(balanced(joined) if asking.compares(question) else joined, budget)
    left = budget.tokens - sum(cost(piece, budget) for piece in chosen)
    return numbered(_widened(chosen, left))


def from_chunk(chunk: Chunk, *, scores: dict[str, Any]) -> Evidence:
    """Describe a chunk (with its page and document loaded) as evidence without a number."""
    return Evidence(
        number=0,
        kind=chunk.kind,
        text=chunk.text,
        document_id=chunk.document_id,
        document_title=chunk.document.title,
        source=chunk.document.sha256,
        collection_id=chunk.document.collection_id,
        chunk_id=chunk.pk,
        page=chunk.page_number,
        page_label=chunk.page.label,
        page_size=(chunk.page.width, chunk.page.height),
        page_image=chunk.page.image,
        # Where the text was read by OCR, the picture of it is the better witness.
        wants_page=chunk.page.text_source in SCANNED and chunk.kind == ChunkKind.TEXT,
        box=Box(*chunk.box),
        orders=(chunk.order, chunk.order),
        spans=tuple(
            TextSpan(start, end, page, Box(*corners)) for start, end, page, *corners in chunk.spans
        ),
        heading_path=tuple(chunk.heading_path),
        caption=chunk.caption,
        references=chunk.references,
        crop=chunk.image,
        crop_size=(chunk.image_width, chunk.image_height),
        scores=scores,
    )


def scores_of(hit: Hit) -> dict[str, Any]:
    """Say why a hit ranked where it did, as JSON."""
    return {
        "rank": hit.rank,
        "score": hit.score,
        "fused": hit.fused_score,
        "rerank": hit.rerank_score,
        "sources": {
            name: {"rank": source.rank, "score": source.score}
            for name, source in hit.sources.items()
        },
    }


def _widened(pieces: list[Evidence], tokens: int) -> list[Evidence]:
    """Join the best pieces of text with the chunks around them, while `tokens` last."""
    best = [piece for piece in pieces if piece.kind == ChunkKind.TEXT][:WIDENED]
    for chunk in _around(best):
        neighbour = from_chunk(chunk, scores={})
        if neighbour.tokens <= tokens:
            tokens -= neighbour.tokens
            pieces = join_neighbours([*pieces, neighbour])
    return pieces


def _around(pieces: Iterable[Evidence]) -> list[Chunk]:
    """The text chunks right before and after each piece, under the same headings."""
    places = Q()
    for piece in pieces:
        first, last = piece.orders
        places |= Q(
            document=piece.document_id,
            order__in=(first - 1, last + 1),
            heading_path=list(piece.heading_path),
        )
    if not places:
        return []
    chunks = Chunk.objects.live().filter(places, kind=ChunkKind.TEXT)
    return list(chunks.select_related("document", "page"))
